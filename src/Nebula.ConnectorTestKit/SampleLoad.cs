using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>A run that loads sample rows, step by step. Everything that travels between steps travels as JSON.</summary>
internal sealed class SampleLoad : IAsyncDisposable
{
    private const int BatchRows = 7;
    private readonly Check _check;
    private readonly Func<IDestination> _create;
    private readonly List<StagedPart> _parts = [];
    private IDestination _destination;

    private SampleLoad(Check check, Func<IDestination> create, IDestination destination, StreamPlan plan)
    {
        (_check, _create, _destination, Plan) = (check, create, destination, plan);
        Merges = destination.Capabilities.MergesRows;
        Order = destination.ChunksOf(plan.Object, plan.Write);
    }

    public StreamPlan Plan { get; }

    /// <summary>What the destination said was committed before.</summary>
    public Checkpoint? Before { get; private set; }

    /// <summary>Whether the destination cannot write in this way.</summary>
    public bool IsRefused { get; private set; }

    public bool Merges { get; }

    public ChunkOrder Order { get; }

    /// <summary>The rows that were staged.</summary>
    public List<string?[]> Expected { get; } = [];

    /// <summary>Begins a run.</summary>
    public static async Task<SampleLoad> BeginAsync(Check check, Func<IDestination> create, string name, WriteMode write, IReadOnlyList<TypeKind> notRead)
    {
        var destination = create();
        var objectName = destination.NameObject(name);
        var columns = SampleRows.Columns(destination, objectName, notRead);
        var plan = new StreamPlan
        {
            Stream = new CatalogStream(name, new Schema(columns.Select(static column => column.Field))),
            Columns = columns,
            Object = objectName,
            RunId = Guid.NewGuid().ToString("n"),
            Write = write,
            IsIncremental = write != WriteMode.Replace,
            PrimaryKey = write == WriteMode.Merge ? [SampleRows.Key] : [],
            StartedAt = DateTime.UtcNow,
        }.Build();
        var load = new SampleLoad(check, create, destination, plan);
        if (write == WriteMode.Merge && !load.Merges)
            return load;
        try
        {
            load.Before = await destination.PrepareAsync(plan, check.CancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e) when (write == WriteMode.Append && e.Kind == ErrorKind.Configuration)
        {
            load.IsRefused = true;
        }
        return load;
    }

    /// <summary>Goes on with another instance.</summary>
    public async Task ReopenAsync()
    {
        await _destination.DisposeAsync().ConfigureAwait(false);
        _destination = _create();
    }

    /// <summary>Prepares once more, by another instance, as when the step's message comes back.</summary>
    public async Task PrepareLateAsync()
    {
        var late = _create();
        await using (late.ConfigureAwait(false))
            await late.PrepareAsync(Plan, _check.CancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes a chunk: rows in several batches, the first of them empty, encoded at once and written in order.</summary>
    /// <param name="numbers">A number for each row.</param>
    /// <param name="chunk">Its position.</param>
    /// <param name="variant">Which values rows have.</param>
    /// <param name="completes">Whether it is brought to its end; otherwise it is left in the middle.</param>
    public async Task StageAsync(IReadOnlyList<int> numbers, int chunk = 0, int variant = 0, bool completes = true)
    {
        var context = new WriteContext(_check.Pool) { Previous = Order == ChunkOrder.InOrder && chunk > 0 ? _parts[^1] : null };
        var writer = await _destination.OpenAsync(Plan, new Chunk(chunk, "") { IsWhole = Order == ChunkOrder.Single }, context, _check.CancellationToken)
            .ConfigureAwait(false);
        var blocks = Array.Empty<Task<EncodedBlock>>();
        var batches = new List<RecordBatch>();
        try
        {
            batches.AddRange(Batches(numbers, variant));
            blocks = [.. batches.Select(batch => Task.Run(() => writer.Encode(batch)))];
            await Task.WhenAll(blocks).ConfigureAwait(false);
            foreach (var (block, batch) in blocks.Zip(batches))
            {
                var encoded = await block.ConfigureAwait(false);
                _check.Require(encoded.Rows == batch.Length, $"an encoded block that says it has {batch.Length} rows", $"{encoded.Rows}");
                await writer.WriteAsync(encoded, _check.CancellationToken).ConfigureAwait(false);
            }
            if (completes)
                Keep(chunk, numbers.Count, batches, await writer.CompleteAsync(_check.CancellationToken).ConfigureAwait(false));
        }
        finally
        {
            foreach (var block in blocks.Where(static block => block.IsCompletedSuccessfully))
                (await block.ConfigureAwait(false)).Dispose();
            foreach (var batch in batches)
                batch.Dispose();
            await writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Begins a chunk, and cancels each call.</summary>
    public async Task CancelWriteAsync(IReadOnlyList<int> numbers, CancellationToken cancelled)
    {
        var context = new WriteContext(_check.Pool);
        await _check.EndsSoonAsync("OpenAsync", async () =>
        {
            var opened = await _destination.OpenAsync(Plan, new Chunk(0, ""), context, cancelled).ConfigureAwait(false);
            await opened.DisposeAsync().ConfigureAwait(false);
        }).ConfigureAwait(false);
        var writer = await _destination.OpenAsync(Plan, new Chunk(0, ""), context, _check.CancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var batch in Batches(numbers, variant: 0))
                using (batch)
                using (var block = writer.Encode(batch))
                    if (await _check.EndsSoonAsync("WriteAsync", () => writer.WriteAsync(block, cancelled).AsTask()).ConfigureAwait(false) is not true)
                        return;
            await _check.EndsSoonAsync("CompleteAsync", () => writer.CompleteAsync(cancelled)).ConfigureAwait(false);
        }
        finally
        {
            await _check.EndsSoonAsync("DisposeAsync", () => writer.DisposeAsync().AsTask()).ConfigureAwait(false);
        }
    }

    /// <summary>Takes what was staged for an attempt that nobody recorded.</summary>
    public void Forget()
    {
        _parts.Clear();
        Expected.Clear();
    }

    /// <summary>Commits what was staged.</summary>
    /// <param name="sequence">Number of this commit; null when nobody counts.</param>
    /// <param name="cancellationToken">Stops the commit.</param>
    public Task<CommitReceipt> CommitAsync(long? sequence = null, CancellationToken cancellationToken = default)
    {
        var checkpoint = sequence is { } number ? new Checkpoint(Plan.Stream.Name, $"position {number}", number) : null;
        var parts = Serialised.Copy(_parts).OrderBy(static part => part.ChunkIndex).ToList();
        var token = $"{Plan.RunId}/{Plan.Stream.Name}";
        return _destination.CommitAsync(new CommitRequest(Plan, parts, checkpoint, token) { ExpectedSequence = sequence - 1 }, cancellationToken);
    }

    public Task AbortAsync() => _destination.AbortAsync(Plan, Serialised.Copy(_parts), _check.CancellationToken);

    public ValueTask DisposeAsync() => _destination.DisposeAsync();

    private void Keep(int chunk, int rows, List<RecordBatch> batches, StagedPart part)
    {
        _check.Require(part.ChunkIndex == chunk, $"a part of chunk {chunk}", $"of chunk {part.ChunkIndex}");
        _check.Require(part.Rows == rows, $"a part of {rows} rows", $"{part.Rows}");
        _check.Require(Serialised.Copy(part).Equals(part), $"a part that is the same after it travelled as JSON: {part}", $"{Serialised.Copy(part)}");
        lock (_parts)
        {
            _parts.Add(part);
            Expected.AddRange(batches.SelectMany(SampleRows.Render));
        }
    }

    private IEnumerable<RecordBatch> Batches(IReadOnlyList<int> numbers, int variant)
    {
        if (numbers.Count == 0)
            return [];
        return numbers.Chunk(BatchRows).Prepend([]).Select(rows =>
            SampleRows.Make(_check.Pool, Plan, rows, variant, column => _destination.KeepsEmptyText(Plan, column)));
    }
}
