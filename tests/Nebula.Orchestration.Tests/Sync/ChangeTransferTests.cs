using System.Collections.Concurrent;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>What is read, committed and acknowledged, and in which order. The next window is read while one is committed.</summary>
public sealed class ChangeTransferTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly CaptureTask Run = new("run", "pipeline");
    private readonly TemporaryFolder _folder = new();
    private readonly LocalStateStore _store;
    private readonly BufferPool _pool = new();

    public ChangeTransferTests() => _store = new LocalStateStore(_folder.Path);

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Commit_UnderWay_TheNextWindowIsRead()
    {
        var world = new World(_pool, windows: 4);
        // a commit that waits for the window behind it never ends where that is not read meanwhile
        world.Committing = position => position < 4 ? world.HasRead(position + 1) : Task.CompletedTask;
        var slice = await RunAsync(world);
        Assert.Equal((4, 4, true), (slice.Windows, slice.Rows, slice.IsCaughtUp));
        Assert.Equal(["1", "2", "3", "4"], world.Committed);
        Assert.Equal("4", world.Acknowledged[^1]);
        AssertNothingIsAcknowledgedBeforeItsCommit(world);
    }

    [Fact]
    public async Task Commit_Fails_WhatWasReadAheadIsDropped()
    {
        var world = new World(_pool, windows: 4);
        world.Committing = async position =>
        {
            await world.HasRead(position + 1);
            if (position == 2)
                throw new NebulaException(ErrorKind.Fatal, "The target is gone.");
        };
        var error = await Assert.ThrowsAsync<NebulaException>(() => RunAsync(world));
        Assert.Equal("The target is gone.", error.Message);
        Assert.Equal(["1"], world.Committed);
        Assert.Equal(["1"], world.Acknowledged);
        AssertNothingIsAcknowledgedBeforeItsCommit(world);
    }

    [Fact]
    public async Task Read_FailsAhead_WhatCameBeforeIsCommitted()
    {
        var world = new World(_pool, windows: 4) { FailsAt = 3 };
        world.Committing = position => position == 2 ? world.HasRead(3) : Task.CompletedTask;
        // it got somewhere, so that the next slice goes on instead
        var slice = await RunAsync(world);
        Assert.Equal((2, false), (slice.Windows, slice.IsCaughtUp));
        Assert.Equal(["1", "2"], world.Committed);
        AssertNothingIsAcknowledgedBeforeItsCommit(world);
    }

    [Fact]
    public async Task Window_IsAwaited_NothingIsReadBeforeItIsAcknowledged()
    {
        var world = new World(_pool, windows: 3) { AreAwaited = true };
        // whoever would read on has time to do it
        world.Committing = position => Task.WhenAny(world.HasRead(position + 1), Task.Delay(TimeSpan.FromMilliseconds(100)));
        await RunAsync(world);
        Assert.Equal(
            ["read 1", "commit 1", "acknowledge 1", "read 2", "commit 2", "acknowledge 2", "read 3", "commit 3", "acknowledge 3", "read 4"], world.Steps);
    }

    [Fact]
    public async Task Windows_FullAndStaged_AreOneCommit()
    {
        var world = new StagingWorld(_pool, windows: 5) { AreFull = true };
        var slice = await RunAsync(world);
        Assert.Equal((1, 5, true), (slice.Windows, slice.Rows, slice.IsCaughtUp));
        Assert.Equal(["1", "2", "3", "4", "5"], world.Staged);
        Assert.Equal(["5"], world.Committed);
        Assert.Equal(["5"], world.Acknowledged);
    }

    [Fact]
    public async Task Windows_FullAndFollowed_AreACommitEach()
    {
        var world = new StagingWorld(_pool, windows: 3) { AreFull = true };
        await RunAsync(world, Run with { Follow = true });
        Assert.Equal(["1", "2", "3"], world.Committed);
    }

    [Fact]
    public async Task Windows_OfStreamsThatAreApplied_AreACommitEach()
    {
        var world = new World(_pool, windows: 3) { AreFull = true };
        await RunAsync(world);
        Assert.Equal(["1", "2", "3"], world.Committed);
    }

    [Fact]
    public async Task Read_Fails_WhatIsStagedIsCommitted()
    {
        var world = new StagingWorld(_pool, windows: 4) { AreFull = true, FailsAt = 3 };
        var slice = await RunAsync(world);
        Assert.Equal((1, 2, false), (slice.Windows, slice.Rows, slice.IsCaughtUp));
        Assert.Equal(["2"], world.Committed);
        Assert.Empty(world.Acknowledged);
    }

    [Fact]
    public async Task Staging_Fails_NothingOfTheCommitIsThere()
    {
        var world = new StagingWorld(_pool, windows: 4) { AreFull = true };
        world.Committing = static position => position == 3 ? throw new NebulaException(ErrorKind.Fatal, "The disk is full.") : Task.CompletedTask;
        var error = await Assert.ThrowsAsync<NebulaException>(() => RunAsync(world));
        Assert.Equal("The disk is full.", error.Message);
        Assert.Empty(world.Committed);
        Assert.Equal(["1", "2"], world.Staged);
        Assert.Equal("given up", world.Steps[^1]);
    }

    private static void AssertNothingIsAcknowledgedBeforeItsCommit(World world)
    {
        var steps = world.Steps.ToList();
        foreach (var position in world.Acknowledged)
            Assert.True(
                steps.IndexOf($"commit {position}") is >= 0 and var commit && commit < steps.IndexOf($"acknowledge {position}"), string.Join(", ", steps));
    }

    private async Task<CapturedSlice> RunAsync(LogWorld world, CaptureTask? task = null)
    {
        var plans = new RunPlans(_store);
        await plans.PutAsync(new StreamTask(Run.RunId, Run.Pipeline, 0), LogWorld.Plan, CancellationToken.None);
        var job = new StreamJob
        {
            Name = LogWorld.Plan.Stream.Name,
            Target = "out",
            OpenSource = () => world,
            OpenDestination = () => world,
            TargetOptions = new Dictionary<string, OptionValue>(),
            Request = new Engine.Pipeline.StreamRequest(),
            Options = new PipelineOptions(),
        };
        await using var transfer = new ChangeTransfer(task ?? Run, new SyncWorkerOptions { Pool = _pool }, plans);
        await transfer.AddAsync(0, job, _ => Task.FromResult<Checkpoint?>(null), CancellationToken.None);
        return await transfer.RunAsync(_ => Task.CompletedTask, CancellationToken.None).WaitAsync(Patience);
    }

    /// <summary>A target that takes windows as a whole.</summary>
    private sealed class World(BufferPool pool, int windows) : LogWorld(pool, windows), IChangeDestination
    {
        public async Task ApplyAsync(IReadOnlyList<ChangeCommit> changes, CancellationToken cancellationToken)
        {
            var checkpoint = Assert.Single(changes).Checkpoint;
            await Committing(int.Parse(checkpoint.Position, System.Globalization.CultureInfo.InvariantCulture));
            Did($"commit {checkpoint.Position}");
        }
    }

    /// <summary>A target where windows are staged.</summary>
    private sealed class StagingWorld(BufferPool pool, int windows) : LogWorld(pool, windows)
    {
        public IReadOnlyList<string> Staged => Of("stage ");

        public override Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken) =>
            Task.FromResult<IDestinationWriter>(new Writer(this));

        public override Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
        {
            Assert.Equal("a part", Assert.Single(request.Parts).Location);
            Did($"commit {request.Checkpoint!.Position}");
            return Task.FromResult(new CommitReceipt(["a part"]));
        }

        /// <summary>Blocks are the numbers of their rows.</summary>
        private sealed class Writer(StagingWorld world) : IDestinationWriter
        {
            private readonly List<string> _staged = [];
            private bool _isComplete;

            public EncodedBlock Encode(RecordBatch batch)
            {
                var buffer = world.Pool.Rent(sizeof(long));
                buffer.Length = sizeof(long);
                BitConverter.TryWriteBytes(buffer.Span, batch.Columns[0].Values<long>()[0]);
                return new EncodedBlock(buffer, batch.Length);
            }

            public async ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
            {
                var position = BitConverter.ToInt64(block.Buffer.Content);
                await world.Committing((int)position);
                _staged.Add($"{position}");
                world.Did($"stage {position}");
            }

            public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

            public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
            {
                _isComplete = true;
                return Task.FromResult(new StagedPart(0, "a part", _staged.Count, 0));
            }

            public ValueTask DisposeAsync()
            {
                if (!_isComplete)
                    world.Did("given up");
                return default;
            }
        }
    }

    /// <summary>A log whose windows have a change each, and a target. Keeps account of what happens.</summary>
    private abstract class LogWorld(BufferPool pool, int windows) : IChangeSource, IDestination, IChangeReader
    {
        private readonly ConcurrentDictionary<int, TaskCompletionSource> _read = new();
        private readonly ConcurrentQueue<string> _steps = new();
        private int _position;

        public BufferPool Pool => pool;

        public static StreamPlan Plan { get; } = new StreamPlan
        {
            Stream = new CatalogStream("orders", new Schema([new Field("id", DataType.Int64)])),
            Columns = [new PlannedColumn("id", new Field("id", DataType.Int64))],
            Object = "orders",
            RunId = Run.RunId,
            Write = WriteMode.Append,
            Capture = new ChangeCapture("log"),
        }.Build();

        public int? FailsAt { get; init; }

        public bool AreAwaited { get; init; }

        /// <summary>Whether all windows but the last are full.</summary>
        public bool AreFull { get; init; }

        /// <summary>Called in each commit, before it counts.</summary>
        public Func<int, Task> Committing { get; set; } = static _ => Task.CompletedTask;

        public IReadOnlyList<string> Steps => [.. _steps];

        public IReadOnlyList<string> Committed => Of("commit ");

        public IReadOnlyList<string> Acknowledged => Of("acknowledge ");

        public bool CanRestart => true;

        public DestinationCapabilities Capabilities { get; } = new();

        public Task HasRead(int position) => ReadOf(position).Task.WaitAsync(Patience);

        public Task<IChangeReader> OpenChangesAsync(IReadOnlyList<CapturedStream> streams, ChangeContext context, CancellationToken cancellationToken) =>
            Task.FromResult<IChangeReader>(this);

        public Task<ChangeWindow?> ReadAsync(CancellationToken cancellationToken)
        {
            var position = ++_position;
            _steps.Enqueue($"read {position}");
            try
            {
                return position == FailsAt ? throw new NebulaException(ErrorKind.Transient, "The connection broke.")
                    : Task.FromResult(position > windows ? null : Window(position));
            }
            finally
            {
                ReadOf(position).SetResult();
            }
        }

        public Task AcknowledgeAsync(string position, CancellationToken cancellationToken)
        {
            _steps.Enqueue($"acknowledge {position}");
            return Task.CompletedTask;
        }

        public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken) =>
            Task.FromResult<Checkpoint?>(new Checkpoint("orders", "0", 1));

        public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask DisposeAsync() => default;

        public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => throw new NotSupportedException();

        public virtual Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public virtual Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        private TaskCompletionSource ReadOf(int position) =>
            _read.GetOrAdd(position, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        protected void Did(string step) => _steps.Enqueue(step);

        protected string[] Of(string step) => [.. Steps.Where(taken => taken.StartsWith(step, StringComparison.Ordinal)).Select(taken => taken[step.Length..])];

        private ChangeWindow Window(int position)
        {
            using var builder = new RecordBatchBuilder(pool, new Schema(Plan.Schema.Fields.Concat(ChangeColumns.Of(Plan))));
            builder.Columns[0].Append((long)position);
            builder.Columns[1].AppendText(ChangeColumns.Insert);
            builder.Columns[2].AppendText($"{position}");
            builder.Columns[3].AppendNull();
            builder.Length = 1;
            return new ChangeWindow([new StreamChanges(0, [builder.Build()])], $"{position}") { IsAwaited = AreAwaited, IsFull = AreFull && position < windows };
        }
    }
}
