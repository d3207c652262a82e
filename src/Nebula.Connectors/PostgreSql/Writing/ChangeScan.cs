using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Changes of one stream that can be applied together: none of them is a truncation.</summary>
/// <param name="Ranges">The rows of each batch.</param>
internal sealed record ChangeSegment(IReadOnlyList<(RecordBatch Batch, int Start, int Count)> Ranges)
{
    /// <summary>Whether rows go.</summary>
    public bool HasDeletes { get; init; }

    /// <summary>The columns that some change leaves as they were.</summary>
    public IReadOnlyList<int> Unchanged { get; init; } = [];

    /// <summary>The truncation that follows; null when none does.</summary>
    public (RecordBatch Batch, int Row)? Truncation { get; init; }
}

/// <summary>Looks through changes for what decides how they are applied.</summary>
internal static class ChangeScan
{
    /// <summary>Divides changes where rows were truncated.</summary>
    /// <param name="batches">The changes.</param>
    /// <param name="operation">Position of the column that tells the operation.</param>
    /// <param name="unchanged">Position of the column that tells what was not changed.</param>
    /// <param name="keepsTruncations">Whether truncations divide; else they are left out.</param>
    public static List<ChangeSegment> Divide(IReadOnlyList<RecordBatch> batches, int operation, int unchanged, bool keepsTruncations)
    {
        var segments = new List<ChangeSegment>();
        var ranges = new List<(RecordBatch, int, int)>();
        var hasDeletes = false;
        var mask = UnchangedOf(batches, unchanged);
        foreach (var batch in batches)
        {
            var start = 0;
            for (var row = 0; row < batch.Length; row++)
            {
                var kind = batch.Columns[operation].GetBytes(row)[0];
                if (kind == ChangeColumns.Truncate[0])
                {
                    Add(batch, start, row);
                    start = row + 1;
                    if (keepsTruncations)
                        End((batch, row));
                }
                else
                    hasDeletes |= kind == ChangeColumns.Delete[0];
            }
            Add(batch, start, batch.Length);
        }
        End(null);
        return segments;

        void Add(RecordBatch batch, int from, int to)
        {
            if (to > from)
                ranges.Add((batch, from, to - from));
        }

        void End((RecordBatch, int)? truncation)
        {
            segments.Add(new ChangeSegment(ranges) { HasDeletes = hasDeletes, Unchanged = mask, Truncation = truncation });
            (ranges, hasDeletes) = ([], false);
        }
    }

    private static List<int> UnchangedOf(IReadOnlyList<RecordBatch> batches, int unchanged)
    {
        var mask = new SortedSet<int>();
        foreach (var column in batches.Select(batch => batch.Columns[unchanged]).Where(static column => column.NullCount < column.Length))
            for (var row = 0; row < column.Length; row++)
            {
                if (column.IsNull(row))
                    continue;
                var bits = column.GetBytes(row);
                for (var i = 0; i < bits.Length; i++)
                    for (uint rest = bits[i]; rest != 0; rest &= rest - 1)
                        mask.Add(8 * i + BitOperations.TrailingZeroCount(rest));
            }
        return [.. mask];
    }
}
