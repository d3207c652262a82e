using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>Checks a source against <see cref="ISource"/> and <see cref="ISourceReader"/>, with data that the test made: a few thousand good rows, so that
/// there is something to split.</summary>
/// <param name="create">Makes a source, each time anew, of the same data.</param>
public sealed class SourceContract(Func<ISource> create)
{
    private const string NoSuchStream = "no such stream";
    private static readonly long[] ChunkTargets = [1_000, 20_000, 1_000_000];
    private List<string?[]> _rows = [];

    /// <summary>The stream that is read.</summary>
    /// <value>The first that the source offers.</value>
    public string? Stream { get; init; }

    /// <summary>Whether all that the source offers is read as one stream.</summary>
    public bool AsOneStream { get; init; }

    /// <summary>Number of its rows; null when the test does not know.</summary>
    public long? Rows { get; init; }

    /// <summary>Adds rows to the stream, of a source that reads incrementally; null for one that does not. Called once, after everything else.</summary>
    public Func<CancellationToken, Task>? AddRowsAsync { get; init; }

    /// <summary>The column that an incremental read follows; null for what the source has of its own.</summary>
    public IncrementalCursor? Cursor { get; init; }

    /// <summary>Bytes that a block should have: few, so that there are several.</summary>
    /// <value>4,096.</value>
    public int BlockSize { get; init; } = 4096;

    /// <summary>Longest time that a call may take once it is cancelled.</summary>
    /// <value>10 seconds.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Checks all contracts.</summary>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <exception cref="ContractException">Some are not kept.</exception>
    public async Task VerifyAsync(CancellationToken cancellationToken = default) =>
        await ContractException.ThrowIfAnyAsync(await FindAsync(cancellationToken).ConfigureAwait(false), create).ConfigureAwait(false);

    /// <summary>Checks all contracts.</summary>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>Those that are not kept.</returns>
    public async Task<IReadOnlyList<Finding>> FindAsync(CancellationToken cancellationToken = default)
    {
        var examination = new Examination(Patience, cancellationToken);
        await CheckAsync(examination, "check and discovery agree", DiscoverAsync).ConfigureAwait(false);
        // without a stream that can be read there is nothing more to say
        if (!await CheckAsync(examination, "a stream is read from its start to its end", ReadWholeAsync).ConfigureAwait(false))
            return examination.Findings;
        if (await CanRestartAsync().ConfigureAwait(false))
            await ExamineReadsAsync(examination).ConfigureAwait(false);
        return examination.Findings;
    }

    private async Task ExamineReadsAsync(Examination examination)
    {
        await CheckAsync(examination, "chunks have each row exactly once", SplitAsync).ConfigureAwait(false);
        await CheckAsync(examination, "a chunk is read by another instance, and again", ReadAgainAsync).ConfigureAwait(false);
        await CheckAsync(examination, "columns come as the plan says", SelectAsync).ConfigureAwait(false);
        await CheckAsync(examination, "a type that cannot be made is refused", CastAsync).ConfigureAwait(false);
        await CheckAsync(examination, "blocks are decoded at once and in any order", DecodeAtOnceAsync).ConfigureAwait(false);
        await CheckAsync(examination, "a reader is left in the middle", LeaveAsync).ConfigureAwait(false);
        await CheckAsync(examination, "calls end when they are cancelled", CancelAsync).ConfigureAwait(false);
        if (AddRowsAsync is not null)
            await CheckAsync(examination, "an incremental read has only what is new", ReadNewAsync).ConfigureAwait(false);
    }

    private Task<bool> CheckAsync(Examination examination, string contract, Func<Check, ISource, Task> examine) =>
        examination.CheckAsync(contract, async check =>
        {
            var source = create();
            await using (source.ConfigureAwait(false))
                await examine(check, source).ConfigureAwait(false);
        });

    private async Task<bool> CanRestartAsync()
    {
        var source = create();
        await using (source.ConfigureAwait(false))
            return source.CanRestart;
    }

    private async Task DiscoverAsync(Check check, ISource source)
    {
        Failed(check, await source.CheckAsync(check.CancellationToken).ConfigureAwait(false));
        var streams = await FindAsync(new DiscoverRequest()).ConfigureAwait(false);
        check.Require(streams.Count > 0, "a stream at least", "none");
        check.Require(streams.DistinctBy(static stream => stream.Name).Count() == streams.Count, "names of streams that differ", Names(streams));
        foreach (var stream in streams)
            RequireValid(check, stream);
        var named = await FindAsync(new DiscoverRequest { NamesOnly = true }).ConfigureAwait(false);
        check.Require(named.Select(static stream => stream.Name).SequenceEqual(streams.Select(static stream => stream.Name)),
            $"the same streams where only names are asked for: {Names(streams)}", Names(named));
        if (streams.Count == 0)
            return;
        var name = Stream ?? streams[0].Name;
        Failed(check, await source.CheckStreamsAsync([name], check.CancellationToken).ConfigureAwait(false));
        var one = await FindAsync(new DiscoverRequest { Streams = [name] }).ConfigureAwait(false);
        check.Require(one is [{ } only] && only.Name == name, $"only '{name}' when it is asked for", Names(one));
        var before = streams.FirstOrDefault(stream => stream.Name == name);
        if (before is not null && one.Count == 1)
            check.Require(one[0].Schema.Equals(before.Schema), $"the same columns of '{name}' each time: {before.Schema}", $"{one[0].Schema}");
        try
        {
            check.Report($"a NebulaException for a stream that is not there ('{NoSuchStream}')",
                "streams: " + Names(await FindAsync(new DiscoverRequest { Streams = [NoSuchStream] }).ConfigureAwait(false)));
        }
        catch (NebulaException)
        {
            // as it should be
        }

        async Task<IReadOnlyList<CatalogStream>> FindAsync(DiscoverRequest request) =>
            (await source.DiscoverAsync(request, check.CancellationToken).ConfigureAwait(false)).Streams;
    }

    private async Task ReadWholeAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var reading = new ChunkReading(check, BlockSize);
        var chunks = await reading.SplitAsync(source, plan, new SplitRequest()).ConfigureAwait(false);
        check.Require(chunks.Count == 1, "one chunk where no size is given", $"{chunks.Count}");
        foreach (var chunk in chunks)
            _rows.AddRange(await reading.ReadAsync(source, plan, chunk).ConfigureAwait(false));
        check.Require(Rows is null || _rows.Count == Rows, $"{Rows} rows", $"{_rows.Count}");
        check.Require(_rows.Count > 0, "rows to check it with", "an empty stream");
        await source.AcknowledgeAsync(new Checkpoint(plan.Stream.Name, "", 1), check.CancellationToken).ConfigureAwait(false);
    }

    private async Task SplitAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var reading = new ChunkReading(check, BlockSize);
        foreach (var target in ChunkTargets)
        {
            var request = new SplitRequest { ChunkBytes = target };
            var chunks = await reading.SplitAsync(source, plan, request).ConfigureAwait(false);
            check.Require(chunks.Select(static chunk => chunk.Index).SequenceEqual(Enumerable.Range(0, chunks.Count)),
                $"chunks of {target} bytes numbered from 0", string.Join(", ", chunks.Select(static chunk => chunk.Index)));
            check.Require(chunks.SequenceEqual(await reading.SplitAsync(source, plan, request).ConfigureAwait(false)),
                $"the same chunks for the same request ({target} bytes)", "others");
            var rows = new List<string?[]>();
            foreach (var chunk in chunks)
                rows.AddRange(await reading.ReadAsync(source, plan, chunk).ConfigureAwait(false));
            check.RequireSame(_rows, rows, $"in {chunks.Count} chunks of {target} bytes, as in one");
        }
    }

    private async Task ReadAgainAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var reading = new ChunkReading(check, BlockSize);
        var other = create();
        await using (other.ConfigureAwait(false))
            foreach (var chunk in await reading.SplitAsync(source, plan, new SplitRequest { ChunkBytes = ChunkTargets[1] }).ConfigureAwait(false))
            {
                var travelled = Serialised.Copy(chunk);
                check.Require(travelled.Equals(chunk), $"a chunk that is the same after it travelled as JSON: {chunk}", $"{travelled}");
                var first = await reading.ReadAsync(source, plan, chunk).ConfigureAwait(false);
                check.RequireSame(first, await reading.ReadAsync(source, plan, chunk).ConfigureAwait(false), $"chunk {chunk.Index} read a second time");
                var elsewhere = await reading.ReadAsync(other, plan, travelled).ConfigureAwait(false);
                check.RequireSame(first, elsewhere, $"chunk {chunk.Index} read by another instance");
            }
    }

    private async Task SelectAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var last = plan.Columns.Length - 1;
        await SelectAsync("in the opposite order", [.. Enumerable.Range(0, last + 1).Reverse()], "").ConfigureAwait(false);
        await SelectAsync("alone", [last], "").ConfigureAwait(false);
        await SelectAsync("with new names", [.. Enumerable.Range(0, last + 1)], "new ").ConfigureAwait(false);

        async Task SelectAsync(string how, int[] positions, string prefix)
        {
            var columns = positions.Select(i =>
            {
                var field = plan.Columns[i].Field;
                return plan.Columns[i] with { Field = new Field(prefix + field.Name, field.Type, field.Nullable) };
            });
            var rows = await new ChunkReading(check, BlockSize).ReadAllAsync(source, (plan with { Columns = [.. columns] }).Build(), new SplitRequest())
                .ConfigureAwait(false);
            check.RequireSame([.. _rows.Select(row => positions.Select(i => row[i]).ToArray())], rows, $"columns {how}");
        }
    }

    private async Task CastAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        foreach (var type in (DataType[])[DataType.List(DataType.Int64), DataType.Uuid, DataType.Decimal(38, 10), DataType.Int8])
            try
            {
                var field = plan.Columns[0].Field;
                var cast = plan.Columns[0] with { Field = new Field(field.Name, type), TypeIsFixed = true };
                await new ChunkReading(check, BlockSize) { AllowsRejected = true }
                    .ReadAllAsync(source, (plan with { Columns = [cast] }).Build(), new SplitRequest()).ConfigureAwait(false);
            }
            catch (NebulaException)
            {
                // it says what it cannot make
            }
    }

    private async Task DecodeAtOnceAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var reading = new ChunkReading(check, BlockSize) { DecodesAtOnce = true };
        check.RequireSame(_rows, await reading.ReadAllAsync(source, plan, new SplitRequest()).ConfigureAwait(false), "decoded at once");
    }

    private async Task LeaveAsync(Check check, ISource source)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        await WithFirstBlockAsync(check, source, plan, static (_, _) => { }).ConfigureAwait(false);
        await WithFirstBlockAsync(check, source, plan, static (reader, block) =>
        {
            try
            {
                reader.Decode(block, new RefusingSink());
            }
            catch (RefusedException)
            {
                // the error of one who takes rows goes through
            }
        }).ConfigureAwait(false);
    }

    private async Task WithFirstBlockAsync(Check check, ISource source, StreamPlan plan, Action<ISourceReader, RawBlock> use)
    {
        var reading = new ChunkReading(check, BlockSize);
        var chunk = (await reading.SplitAsync(source, plan, new SplitRequest()).ConfigureAwait(false))[0];
        var reader = await source.OpenAsync(plan, chunk, reading.Context, check.CancellationToken).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
            if (await reader.FetchAsync(check.CancellationToken).ConfigureAwait(false) is { } block)
                using (block)
                    use(reader, block);
    }

    private async Task CancelAsync(Check check, ISource source)
    {
        var cancelled = new CancellationToken(canceled: true);
        var plan = await PlanAsync(check, source).ConfigureAwait(false);
        var reading = new ChunkReading(check, BlockSize);
        var chunk = (await reading.SplitAsync(source, plan, new SplitRequest()).ConfigureAwait(false))[0];
        await check.EndsSoonAsync("DiscoverAsync", () => source.DiscoverAsync(new DiscoverRequest(), cancelled)).ConfigureAwait(false);
        await check.EndsSoonAsync("SplitAsync", async () =>
        {
            await foreach (var _ in source.SplitAsync(plan, new SplitRequest { ChunkBytes = ChunkTargets[1] }, cancelled).ConfigureAwait(false))
                break;
        }).ConfigureAwait(false);
        await check.EndsSoonAsync("OpenAsync", async () =>
            await (await source.OpenAsync(plan, chunk, reading.Context, cancelled).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false))
            .ConfigureAwait(false);

        using var stop = new CancellationTokenSource();
        var reader = await source.OpenAsync(plan, chunk, reading.Context, check.CancellationToken).ConfigureAwait(false);
        try
        {
            // cancelled while it fetches, and from there on before
            var isAtEnd = false;
            while (!isAtEnd)
            {
                var fetch = check.EndsSoonAsync("FetchAsync", async () =>
                {
                    var block = await reader.FetchAsync(stop.Token).ConfigureAwait(false);
                    block?.Dispose();
                    isAtEnd = block is null;
                });
                await stop.CancelAsync().ConfigureAwait(false);
                if (await fetch.ConfigureAwait(false) is not true)
                    break;
            }
        }
        finally
        {
            await check.EndsSoonAsync("DisposeAsync", () => reader.DisposeAsync().AsTask()).ConfigureAwait(false);
        }
    }

    private async Task ReadNewAsync(Check check, ISource source)
    {
        var first = await ReadFromAsync(check, source, from: null).ConfigureAwait(false);
        check.RequireSame(_rows, first.Rows, "the first read");
        var second = await AnewAsync(first.Checkpoint).ConfigureAwait(false);
        check.RequireSame([], second.Rows, "a read when nothing is new");
        await AddRowsAsync!(check.CancellationToken).ConfigureAwait(false);
        var third = await AnewAsync(second.Checkpoint).ConfigureAwait(false);
        var before = _rows;
        var after = create();
        await using (after.ConfigureAwait(false))
            _rows = await new ChunkReading(check, BlockSize).ReadAllAsync(after, await PlanAsync(check, after).ConfigureAwait(false), new SplitRequest())
                .ConfigureAwait(false);
        check.Require(_rows.Count > before.Count, "rows that the test added", "none");
        check.RequireSame(_rows, [.. before, .. third.Rows], "a read after rows were added, together with what was there");
        check.RequireSame([], (await AnewAsync(third.Checkpoint).ConfigureAwait(false)).Rows, "a read after that");

        async Task<(List<string?[]> Rows, Checkpoint Checkpoint)> AnewAsync(Checkpoint from)
        {
            var anew = create();
            await using (anew.ConfigureAwait(false))
                return await ReadFromAsync(check, anew, Serialised.Copy(from)).ConfigureAwait(false);
        }
    }

    private async Task<(List<string?[]> Rows, Checkpoint Checkpoint)> ReadFromAsync(Check check, ISource source, Checkpoint? from)
    {
        var plan = await PlanAsync(check, source).ConfigureAwait(false) with { IsIncremental = true, Write = WriteMode.Append, Cursor = Cursor };
        var position = await source.FindPositionAsync(plan, from, check.CancellationToken).ConfigureAwait(false);
        var rows = await new ChunkReading(check, BlockSize).ReadAllAsync(source, plan, new SplitRequest { From = from }).ConfigureAwait(false);
        var checkpoint = new Checkpoint(plan.Stream.Name, position, (from?.Sequence ?? 0) + 1);
        await source.AcknowledgeAsync(checkpoint, check.CancellationToken).ConfigureAwait(false);
        return (rows, checkpoint);
    }

    private async Task<StreamPlan> PlanAsync(Check check, ISource source)
    {
        var request = new DiscoverRequest { Streams = Stream is null ? [] : [Stream], AsOneStream = AsOneStream };
        var catalog = await source.DiscoverAsync(request, check.CancellationToken).ConfigureAwait(false);
        var stream = catalog.Streams[0];
        return new StreamPlan
        {
            Stream = stream,
            Columns = [.. stream.Schema.Fields.Select(static field => new PlannedColumn(field.Name, field))],
            Object = "",
            RunId = Guid.NewGuid().ToString("n"),
            StartedAt = DateTime.UtcNow,
        }.Build();
    }

    private static void Failed(Check check, IReadOnlyList<CheckResult> results)
    {
        foreach (var result in results.Where(static result => !result.Passed))
            check.Report("checks that pass, as the stream can be read", $"{result.Name}: {result.Detail}");
    }

    private static void RequireValid(Check check, CatalogStream stream)
    {
        var names = stream.Schema.Fields.Select(static field => field.Name).ToList();
        check.Require(stream.Name.Length > 0, "a stream with a name", "an empty one");
        check.Require(names.Count > 0, $"a column of '{stream.Name}' at least", "none");
        check.Require(!names.Contains(""), $"columns of '{stream.Name}' with names", $"{stream.Schema}");
        check.Require(names.Distinct().Count() == names.Count, $"names of columns of '{stream.Name}' that differ", $"{stream.Schema}");
        check.Require(stream.PrimaryKey.All(names.Contains) && stream.PrimaryKey.Distinct().Count() == stream.PrimaryKey.Count,
            $"a key of '{stream.Name}' that is made of its columns", string.Join(", ", stream.PrimaryKey));
    }

    private static string Names(IEnumerable<CatalogStream> streams) => string.Join(", ", streams.Select(static stream => $"'{stream.Name}'"));
}
