using System.Collections.Concurrent;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit.Tests;

public enum DestinationFault
{
    None,
    ShowsWhatIsStaged,
    IgnoresToken,
    TakesNullForEmpty,
    LosesRowOfEachBlock,
    AddsToFirstAttempt,
    LosesChunk,
    ClearsWhatIsPreparedTwice,
    KeepsWhatIsReplaced,
    MergesByAdding,
    TakesStaleRun,
    LeavesWhatIsAborted,
    LeaksBuffer,
    NeverEndsOnceCancelled,
    ThrowsWhatNobodyKnows,
}

/// <summary>Where rows of a destination in memory are, whichever instance wrote them.</summary>
internal sealed class Memory
{
    public ConcurrentDictionary<string, List<object?[]>> Tables { get; } = [];

    public ConcurrentDictionary<string, List<object?[]>> Staged { get; } = [];

    public ConcurrentDictionary<string, Checkpoint> Checkpoints { get; } = [];

    public ConcurrentDictionary<string, bool> Tokens { get; } = [];

    public Task<IReadOnlyList<object?[]>> ReadAsync(StreamPlan plan, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<object?[]>>(Tables.GetValueOrDefault(plan.Object) ?? []);
}

/// <summary>Keeps numbers and texts in memory, with a defect.</summary>
internal sealed class FaultyDestination(DestinationFault fault, Memory memory) : IDestination
{
    public DestinationCapabilities Capabilities { get; } = new() { MergesRows = true };

    public TypeMapping Map(string objectName, DataType type) =>
        new(type.ToString(), type.Kind is TypeKind.Int64 or TypeKind.String ? Fidelity.Exact : Fidelity.Impossible);

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<CheckResult>>([]);

    public ChunkOrder ChunksOf(string objectName, WriteMode write) => ChunkOrder.Any;

    public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        if (fault == DestinationFault.ClearsWhatIsPreparedTwice)
            foreach (var rows in memory.Staged.Values)
                rows.Clear();
        return Task.FromResult(memory.Checkpoints.GetValueOrDefault(plan.Object));
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var location = $"{plan.Object}/{plan.RunId}/{chunk.Index}";
        if (fault != DestinationFault.AddsToFirstAttempt || !memory.Staged.ContainsKey(location))
            memory.Staged[location] = [];
        return Task.FromResult<IDestinationWriter>(new Writer(fault, memory, plan, chunk, location, context.Pool));
    }

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var name = request.Plan.Object;
        if (!memory.Tokens.TryAdd(request.Token, true) && fault != DestinationFault.IgnoresToken)
            return Task.FromResult(new CommitReceipt([name], AlreadyCommitted: true));
        if (fault != DestinationFault.TakesStaleRun && request.ExpectedSequence is { } expected
            && memory.Checkpoints.TryGetValue(name, out var last) && last.Sequence != expected)
            throw new NebulaException(ErrorKind.Locked, $"'{name}' is at commit {last.Sequence} already.");
        if (fault == DestinationFault.ThrowsWhatNobodyKnows)
            throw new InvalidOperationException("out of order");
        var parts = fault == DestinationFault.LosesChunk ? request.Parts.Take(1) : request.Parts;
        var rows = parts.SelectMany(part => memory.Staged[part.Location]).ToList();
        var before = memory.Tables.GetValueOrDefault(name) ?? [];
        memory.Tables[name] = request.Plan.Write switch
        {
            WriteMode.Replace when fault != DestinationFault.KeepsWhatIsReplaced => rows,
            WriteMode.Merge when fault != DestinationFault.MergesByAdding => [.. rows, .. before.ExceptBy(rows.Select(static row => row[0]), static row => row[0])],
            _ => [.. before, .. rows],
        };
        if (request.Checkpoint is { } checkpoint)
            memory.Checkpoints[name] = checkpoint;
        return Task.FromResult(new CommitReceipt([name]));
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        if (fault != DestinationFault.LeavesWhatIsAborted)
            foreach (var staged in memory.Staged.Keys.Where(key => key.StartsWith($"{plan.Object}/{plan.RunId}/", StringComparison.Ordinal)))
                memory.Staged.TryRemove(staged, out _);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => default;

    private sealed class Writer(DestinationFault fault, Memory memory, StreamPlan plan, Chunk chunk, string location, BufferPool pool) : IDestinationWriter
    {
        private readonly PooledBuffer? _buffer = fault == DestinationFault.LeaksBuffer ? pool.Rent(1) : null;
        private int _rows;

        public EncodedBlock Encode(RecordBatch batch)
        {
            var rows = new List<object?[]>();
            for (var row = fault == DestinationFault.LosesRowOfEachBlock ? 1 : 0; row < batch.Length; row++)
                rows.Add([.. batch.Columns.Select(column => ValueOf(column, row))]);
            return new EncodedBlock(pool.Rent(1), batch.Length) { Metadata = rows };
        }

        public async ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
        {
            if (fault == DestinationFault.NeverEndsOnceCancelled && cancellationToken.IsCancellationRequested)
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
            memory.Staged[location].AddRange((List<object?[]>)block.Metadata!);
            _rows += block.Rows;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
        {
            if (fault == DestinationFault.ShowsWhatIsStaged)
                memory.Tables[plan.Object] = memory.Staged[location];
            return Task.FromResult(new StagedPart(chunk.Index, location, _rows, 0));
        }

        public ValueTask DisposeAsync()
        {
            GC.KeepAlive(_buffer);
            return default;
        }

        private object? ValueOf(Column column, int row) =>
            column.IsNull(row) ? fault == DestinationFault.TakesNullForEmpty && column.Type.Kind == TypeKind.String ? "" : null
            : column.Type.Kind == TypeKind.Int64 ? column.Values<long>()[row]
            : Encoding.UTF8.GetString(column.GetBytes(row));
    }
}
