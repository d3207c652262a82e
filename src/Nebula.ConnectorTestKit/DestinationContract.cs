using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>Checks a destination against <see cref="IDestination"/> and <see cref="IDestinationWriter"/>: writes streams of its own, each under a name of its
/// own, and reads what can be seen of them.</summary>
/// <param name="create">Makes a destination, each time anew, of the same place.</param>
/// <param name="read">Reads the rows that anyone can see of a stream, in any order: values as .NET has them, null for null, nested ones and JSON as JSON text;
/// no rows where the stream's object is not there. <see cref="SourceRows"/> does it with a source.</param>
public sealed class DestinationContract(
    Func<IDestination> create, Func<StreamPlan, CancellationToken, Task<IReadOnlyList<object?[]>>> read)
{
    private const int RowCount = 60;

    /// <summary>Names everything that is stored, what is staged too; null when the test cannot tell. With it, staging is checked to be left empty.</summary>
    public Func<CancellationToken, Task<IReadOnlyList<string>>>? ListAsync { get; init; }

    /// <summary>Kinds of values that are not written, because the test cannot read them again.</summary>
    public IReadOnlyList<TypeKind> NotRead { get; init; } = [];

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
        await examination.CheckAsync("checks pass", PassAsync).ConfigureAwait(false);
        // without this there is nothing more to say
        if (!await examination.CheckAsync("what is committed can be read", RoundTripAsync).ConfigureAwait(false))
            return examination.Findings;
        await examination.CheckAsync("the same token again does nothing", RepeatAsync).ConfigureAwait(false);
        await examination.CheckAsync("chunks come as the destination allows", WriteChunksAsync).ConfigureAwait(false);
        await examination.CheckAsync("a second attempt at a chunk replaces the first", RetryAsync).ConfigureAwait(false);
        await examination.CheckAsync("preparing once more, and late, takes nothing away", PrepareLateAsync).ConfigureAwait(false);
        await examination.CheckAsync("a chunk without rows is written", WriteNothingAsync).ConfigureAwait(false);
        await examination.CheckAsync("replace takes the place of what is there", ReplaceAsync).ConfigureAwait(false);
        await examination.CheckAsync("append adds to what is there", AppendAsync).ConfigureAwait(false);
        await examination.CheckAsync("merge goes by the key", MergeAsync).ConfigureAwait(false);
        await examination.CheckAsync("a stale run is refused", RefuseStaleAsync).ConfigureAwait(false);
        await examination.CheckAsync("a run that is aborted leaves nothing", AbortAsync).ConfigureAwait(false);
        await examination.CheckAsync("calls end when they are cancelled", CancelAsync).ConfigureAwait(false);
        return examination.Findings;
    }

    private async Task PassAsync(Check check)
    {
        var destination = create();
        await using (destination.ConfigureAwait(false))
            foreach (var result in (await destination.CheckAsync(check.CancellationToken).ConfigureAwait(false)).Where(static result => !result.Passed))
                check.Report("checks that pass", $"{result.Name}: {result.Detail}");
    }

    private async Task RoundTripAsync(Check check)
    {
        var load = await BeginAsync(check, "round_trip", WriteMode.Replace).ConfigureAwait(false);
        await load.StageAsync(Range(0)).ConfigureAwait(false);
        check.RequireSame([], await ReadAsync(check, load).ConfigureAwait(false), "before the commit");
        // another process may commit what this one has staged
        await load.ReopenAsync().ConfigureAwait(false);
        var receipt = await load.CommitAsync().ConfigureAwait(false);
        check.Require(!receipt.AlreadyCommitted, "a first commit that says it did the work", "it says that an earlier one had");
        check.Require(receipt.Locations.Count > 0, "a receipt that says where the rows are", "no location");
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "after the commit");
    }

    private async Task RepeatAsync(Check check)
    {
        var load = await BeginAsync(check, "repeat", WriteMode.Append).ConfigureAwait(false) is { IsRefused: false } appending
            ? appending : await BeginAsync(check, "repeat", WriteMode.Replace).ConfigureAwait(false);
        await load.StageAsync(Range(0)).ConfigureAwait(false);
        await load.CommitAsync().ConfigureAwait(false);
        foreach (var who in (string[])["the same instance", "another instance"])
        {
            var again = await load.CommitAsync().ConfigureAwait(false);
            check.Require(again.AlreadyCommitted, $"a receipt of {who} that says the commit was done before", "a commit like any other");
            await load.ReopenAsync().ConfigureAwait(false);
        }
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "after three commits with one token");
    }

    private async Task WriteChunksAsync(Check check)
    {
        var load = await BeginAsync(check, "chunks", WriteMode.Replace).ConfigureAwait(false);
        switch (load.Order)
        {
            case ChunkOrder.Any:
                await Task.WhenAll(Enumerable.Range(0, 3).Reverse().Select(i => load.StageAsync(Range(i * RowCount), i))).ConfigureAwait(false);
                break;
            case ChunkOrder.InOrder:
                for (var i = 0; i < 3; i++)
                    await load.StageAsync(Range(i * RowCount), i).ConfigureAwait(false);
                break;
            default:
                await load.StageAsync(Range(0)).ConfigureAwait(false);
                break;
        }
        await load.CommitAsync().ConfigureAwait(false);
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), $"written in chunks ({load.Order})");
    }

    private async Task RetryAsync(Check check)
    {
        var load = await BeginAsync(check, "retry", WriteMode.Replace).ConfigureAwait(false);
        await load.StageAsync(Range(7 * RowCount), completes: false).ConfigureAwait(false);
        await load.StageAsync(Range(8 * RowCount)).ConfigureAwait(false);
        load.Forget();
        await load.StageAsync(Range(0)).ConfigureAwait(false);
        await load.CommitAsync().ConfigureAwait(false);
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "of the last attempt");
    }

    private async Task PrepareLateAsync(Check check)
    {
        var load = await BeginAsync(check, "late", WriteMode.Replace).ConfigureAwait(false);
        await load.StageAsync(Range(0)).ConfigureAwait(false);
        await load.PrepareLateAsync().ConfigureAwait(false);
        await load.CommitAsync().ConfigureAwait(false);
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "after the run had prepared twice");
    }

    private async Task WriteNothingAsync(Check check)
    {
        var load = await BeginAsync(check, "nothing", WriteMode.Replace).ConfigureAwait(false);
        await load.StageAsync([]).ConfigureAwait(false);
        await load.CommitAsync().ConfigureAwait(false);
        await load.DisposeAsync().ConfigureAwait(false);
        check.RequireSame([], await ReadAsync(check, load).ConfigureAwait(false), "of a stream without rows");
    }

    private async Task ReplaceAsync(Check check)
    {
        await LoadAsync(check, "replaced", WriteMode.Replace, Range(0)).ConfigureAwait(false);
        var load = await LoadAsync(check, "replaced", WriteMode.Replace, Range(RowCount)).ConfigureAwait(false);
        check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "of the second run");
    }

    private async Task AppendAsync(Check check)
    {
        var first = await LoadAsync(check, "appended", WriteMode.Append, Range(0)).ConfigureAwait(false);
        if (first.IsRefused)
            return;
        var second = await LoadAsync(check, "appended", WriteMode.Append, Range(RowCount)).ConfigureAwait(false);
        check.RequireSame([.. first.Expected, .. second.Expected], await ReadAsync(check, second).ConfigureAwait(false), "of both runs");
    }

    private async Task MergeAsync(Check check)
    {
        var first = await BeginAsync(check, "merged", WriteMode.Merge).ConfigureAwait(false);
        if (!first.Merges)
        {
            await first.DisposeAsync().ConfigureAwait(false);
            return;
        }
        await first.StageAsync(Range(0)).ConfigureAwait(false);
        await first.CommitAsync().ConfigureAwait(false);
        await first.DisposeAsync().ConfigureAwait(false);
        var second = await LoadAsync(check, "merged", WriteMode.Merge, Range(RowCount / 2), variant: 1).ConfigureAwait(false);
        var changed = second.Expected.Select(static row => row[0]).ToHashSet();
        check.RequireSame([.. first.Expected.Where(row => !changed.Contains(row[0])), .. second.Expected], await ReadAsync(check, second).ConfigureAwait(false),
            "of both runs, those of the second in place of those with the same key");
    }

    private async Task RefuseStaleAsync(Check check)
    {
        var mode = await LoadAsync(check, "stale", WriteMode.Append, Range(0), sequence: 1).ConfigureAwait(false) is { IsRefused: false }
            ? WriteMode.Append : WriteMode.Replace;
        if (mode == WriteMode.Replace)
            await LoadAsync(check, "stale", mode, Range(0), sequence: 1).ConfigureAwait(false);
        var second = await LoadAsync(check, "stale", mode, Range(RowCount), sequence: 2).ConfigureAwait(false);
        // who keeps no account cannot tell
        if (second.Before is null)
            return;
        check.Require(second.Before.Sequence == 1, "PrepareAsync to tell what was committed last, sequence 1", $"{second.Before}");
        var seen = await ReadAsync(check, second).ConfigureAwait(false);
        var stale = await BeginAsync(check, "stale", mode).ConfigureAwait(false);
        await stale.StageAsync(Range(2 * RowCount)).ConfigureAwait(false);
        try
        {
            await stale.CommitAsync(sequence: 2).ConfigureAwait(false);
            check.Report("a NebulaException for a run that expects sequence 1 where 2 is committed", "a commit");
        }
        catch (NebulaException)
        {
            await stale.AbortAsync().ConfigureAwait(false);
        }
        await stale.DisposeAsync().ConfigureAwait(false);
        check.RequireSame(seen, await ReadAsync(check, second).ConfigureAwait(false), "after a stale run was refused");
    }

    private async Task AbortAsync(Check check)
    {
        var first = await LoadAsync(check, "aborted", WriteMode.Replace, Range(0)).ConfigureAwait(false);
        var before = await StoredAsync(check).ConfigureAwait(false);
        foreach (var completes in (bool[])[true, false])
        {
            var load = await BeginAsync(check, "aborted", WriteMode.Replace).ConfigureAwait(false);
            await load.StageAsync(Range(RowCount), completes: completes).ConfigureAwait(false);
            await load.AbortAsync().ConfigureAwait(false);
            await load.DisposeAsync().ConfigureAwait(false);
            check.RequireSame(first.Expected, await ReadAsync(check, first).ConfigureAwait(false), "of the run before");
            var left = (await StoredAsync(check).ConfigureAwait(false)).Except(before).ToList();
            check.Require(left.Count == 0, "nothing of the run that was aborted", string.Join(", ", left));
        }
    }

    private async Task CancelAsync(Check check)
    {
        var cancelled = new CancellationToken(canceled: true);
        var load = await BeginAsync(check, "cancelled", WriteMode.Replace).ConfigureAwait(false);
        await load.CancelWriteAsync(Range(RowCount), cancelled).ConfigureAwait(false);
        await load.StageAsync(Range(0)).ConfigureAwait(false);
        check.RequireSame([], await ReadAsync(check, load).ConfigureAwait(false), "before the commit");
        if (await check.EndsSoonAsync("CommitAsync", () => load.CommitAsync(cancellationToken: cancelled)).ConfigureAwait(false) is { } isDone)
        {
            var seen = await ReadAsync(check, load).ConfigureAwait(false);
            if (isDone || seen.Count > 0)
                check.RequireSame(load.Expected, seen, "after a commit that was cancelled, which is done or not done");
            await load.CommitAsync().ConfigureAwait(false);
            check.RequireSame(load.Expected, await ReadAsync(check, load).ConfigureAwait(false), "after the commit was repeated");
        }
        await load.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Loads rows in a run of their own.</summary>
    private async Task<SampleLoad> LoadAsync(Check check, string name, WriteMode write, IReadOnlyList<int> numbers, int variant = 0, long? sequence = null)
    {
        var load = await BeginAsync(check, name, write).ConfigureAwait(false);
        if (!load.IsRefused)
        {
            await load.StageAsync(numbers, variant: variant).ConfigureAwait(false);
            await load.CommitAsync(sequence).ConfigureAwait(false);
        }
        await load.DisposeAsync().ConfigureAwait(false);
        return load;
    }

    private Task<SampleLoad> BeginAsync(Check check, string name, WriteMode write) => SampleLoad.BeginAsync(check, create, "kit_" + name, write, NotRead);

    private async Task<List<string?[]>> ReadAsync(Check check, SampleLoad load)
    {
        var rows = await read(load.Plan, check.CancellationToken).ConfigureAwait(false);
        return [.. rows.Select(row => row.Select((value, i) => ValueText.Of(value, load.Plan.Schema.Fields[i].Type)).ToArray())];
    }

    private async Task<IReadOnlyList<string>> StoredAsync(Check check) =>
        ListAsync is null ? [] : await ListAsync(check.CancellationToken).ConfigureAwait(false);

    private static List<int> Range(int start) => [.. Enumerable.Range(start, RowCount)];
}
