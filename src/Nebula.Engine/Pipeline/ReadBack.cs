using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Pipeline;

/// <summary>Reads again what was committed, and holds it against what was recorded when it was written.</summary>
/// <param name="destination">Where it was written.</param>
/// <param name="options">How much of the machine it may use.</param>
/// <param name="pool">Where buffers come from.</param>
public sealed class ReadBack(IDestination destination, PipelineOptions options, BufferPool pool)
{
    /// <summary>Makes the hasher of a stream.</summary>
    internal static ContentHasher HasherOf(IDestination destination, StreamPlan written, BufferPool pool) => new(
        [.. written.Columns.Select((column, i) =>
            column.Field.Type.Kind is (TypeKind.String or TypeKind.Binary) && !destination.KeepsEmptyText(written, i))],
        pool);

    /// <summary>Compares all parts of a stream.</summary>
    /// <param name="written">The stream as it was written.</param>
    /// <param name="parts">What was committed, in the order of the chunks.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    /// <returns>A comparison for each part, in their order, or for all of them where their rows are mixed; null where the destination cannot be read.</returns>
    /// <exception cref="NebulaException">The destination cannot be reached. Of what is missing or damaged there the comparisons tell.</exception>
    public async Task<IReadOnlyList<PartComparison>?> CompareAsync(StreamPlan written, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var found = await destination.FindCommittedAsync(written, parts, cancellationToken).ConfigureAwait(false);
        if (found is null)
            return null;
        var comparisons = new List<PartComparison>(parts.Count);
        foreach (var rows in found)
        {
            var those = parts.Skip(rows.FirstPart).Take(rows.PartCount).ToList();
            comparisons.AddRange(await CompareAsync(
                written, rows, rows.AreMixed && those.Count > 1 ? [Sum(those)] : those, cancellationToken).ConfigureAwait(false));
        }
        return comparisons;
    }

    /// <summary>Adds parts up; their hashes are sums themselves.</summary>
    private static StagedPart Sum(List<StagedPart> parts)
    {
        var columns = parts[0].Hash?.Columns.Length ?? -1;
        return parts[0] with
        {
            Rows = parts.Sum(static part => part.Rows),
            Bytes = parts.Sum(static part => part.Bytes),
            Hash = !parts.TrueForAll(part => part.Hash?.Columns.Length == columns) ? null : new ContentHash(
                parts.Aggregate(0UL, static (sum, part) => unchecked(sum + part.Hash!.Rows)),
                [.. Enumerable.Range(0, columns).Select(i => parts.Aggregate(0UL, (sum, part) => unchecked(sum + part.Hash!.Columns[i])))]),
        };
    }

    private async Task<IEnumerable<PartComparison>> CompareAsync(
        StreamPlan written, CommittedRows rows, List<StagedPart> parts, CancellationToken cancellationToken)
    {
        if (parts.Count == 0)
            return [];
        var hasher = parts.TrueForAll(part => part.Hash?.Columns.Length == written.Columns.Length) ? HasherOf(destination, written, pool) : null;
        var reading = await ReadAsync(rows, [.. parts.Select(static part => part.Rows)], hasher, cancellationToken).ConfigureAwait(false);
        var comparisons = Compare(written, rows, parts, reading);
        var first = comparisons.FindIndex(static comparison => !comparison.Matches);
        // a row too many or too few in one part makes all parts behind it start at the wrong place
        if (hasher is not null && first >= 0 && first < parts.Count - 1 && reading.Error is null && Shift(parts, first, reading.Sums.Rows.Sum()) is { } lengths)
            comparisons = Compare(written, rows, parts, await ReadAsync(rows, lengths, hasher, cancellationToken).ConfigureAwait(false));
        return comparisons;
    }

    /// <summary>
    /// The lengths of parts when all rows that are missing, or too many, are so in one of them; null when they are not missing at all, or more than it has.
    /// </summary>
    private static List<long>? Shift(List<StagedPart> parts, int damaged, long found)
    {
        var shift = found - parts.Sum(static part => part.Rows);
        return shift == 0 || parts[damaged].Rows + shift < 0 ? null : [.. parts.Select((part, i) => i == damaged ? part.Rows + shift : part.Rows)];
    }

    private async Task<Reading> ReadAsync(CommittedRows rows, IReadOnlyList<long> lengths, ContentHasher? hasher, CancellationToken cancellationToken)
    {
        var sums = new SummingWriter(lengths, hasher, pool);
        RejectedRow? bad = null;
        var badRows = 0L;
        var settings = options with
        {
            RowLimit = null,
            Storage = StorageMode.Columnar,
            PreferLatency = false,
            BadRows = new BadRowOptions { Policy = BadRowPolicy.Quarantine, Quarantine = Reject },
        };
        try
        {
            var context = new ReadContext(pool, settings.BlockSize) { MaxRecordSize = settings.MaxRecordSize };
            var reader = await rows.OpenAsync(context, cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var pipeline = new ChunkPipeline(reader, sums, settings, pool, new PipelineMetrics());
                await pipeline.RunAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NebulaException e) when (e.Kind is ErrorKind.Data or ErrorKind.NotFound or ErrorKind.Schema or ErrorKind.Configuration)
        {
            return new Reading(sums, e.Message, badRows, bad);
        }
        return new Reading(sums, null, badRows, bad);

        void Reject(RejectedRow row)
        {
            bad ??= row;
            badRows++;
        }
    }

    private static List<PartComparison> Compare(StreamPlan written, CommittedRows rows, List<StagedPart> parts, Reading reading)
    {
        var comparisons = new List<PartComparison>(parts.Count);
        var badRow = reading.Bad is { } bad
            ? $"{(reading.BadRows == 1 ? "a row cannot be read:" : $"{reading.BadRows:N0} rows cannot be read, the first:")} {bad.Location}: {bad.Reason}"
            : null;
        for (var i = 0; i < parts.Count; i++)
        {
            var comparison = new PartComparison(parts[i].ChunkIndex, parts[i].Rows) { Location = rows.Location };
            if (i < reading.Ended)
                comparison = CompareValues(written, comparison with { RowsFound = reading.Sums.Rows[i] }, parts[i].Hash, reading.Sums.HashOf(i));
            else if (i == reading.Ended)
                comparison = comparison with { Problem = reading.Error };
            if (badRow is not null && !comparison.Matches)
                (comparison, badRow) = (comparison with { Problem = comparison.Problem ?? badRow }, null);
            comparisons.Add(comparison);
        }
        return comparisons;
    }

    private static PartComparison CompareValues(StreamPlan written, PartComparison comparison, ContentHash? expected, ContentHash? found)
    {
        if (expected is null || found is null)
            return comparison;
        comparison = comparison with { HasValues = true };
        if (comparison.RowsFound != comparison.RowsExpected || found.Equals(expected))
            return comparison;
        var columns = Enumerable.Range(0, expected.Columns.Length)
            .Where(i => found.Columns[i] != expected.Columns[i])
            .Select(i => written.Columns[i].Field.Name)
            .ToList();
        return comparison with { Columns = columns, AreRowsMixed = columns.Count == 0 };
    }

    /// <summary>What came of reading.</summary>
    /// <param name="Sums">Rows and hashes.</param>
    /// <param name="Error">Why it ended before the end; null when it did not.</param>
    /// <param name="BadRows">Rows that could not be read.</param>
    /// <param name="Bad">The first of them.</param>
    private sealed record Reading(SummingWriter Sums, string? Error, long BadRows, RejectedRow? Bad)
    {
        /// <summary>The part in which reading ended; behind the last when it came to the end.</summary>
        public int Ended { get; } = Error is null ? Sums.Rows.Count : Sums.IsCurrentComplete ? Sums.Current + 1 : Sums.Current;
    }
}
