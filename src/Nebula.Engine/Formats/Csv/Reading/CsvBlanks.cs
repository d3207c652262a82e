using Nebula.Engine.Formats.Csv.Scanning;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Blanks around fields.</summary>
internal static unsafe class CsvBlanks
{
    /// <summary>Takes blanks and tabs off a field. What is quoted keeps those inside; in front of a quote that quotes nothing they stay.</summary>
    /// <param name="field">The field.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="scan">What quotes fields.</param>
    /// <returns>Where it starts without them, and its length.</returns>
    public static (int Start, int Length) Trim(ReadOnlySpan<byte> field, int start, in CsvScanDialect scan)
    {
        var content = field.TrimEnd(" \t"u8);
        var trimmed = content.TrimStart(" \t"u8);
        return trimmed.Length > 0 && trimmed[0] == scan.Quote && !CsvQuotes.IsClosedAtEnd(trimmed, scan.Quote, scan.Escape)
            ? (start, content.Length) : (start + content.Length - trimmed.Length, trimmed.Length);
    }

    /// <summary>Takes blanks and tabs off all fields of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="scan">What quotes fields.</param>
    /// <param name="memory">Room for the positions of all fields, twice.</param>
    public static void Trim(ref CsvTable table, in CsvScanDialect scan, uint* memory)
    {
        var count = table.Rows * table.Stride;
        var before = memory;
        var ends = memory + count;
        for (var i = 0; i < count; i++)
        {
            var start = (int)table.Before[i] + 1;
            (before[i], ends[i]) = (table.Before[i], table.Ends[i]);
            // one that is missing stays so
            if ((int)table.Ends[i] < start)
                continue;
            var field = new ReadOnlySpan<byte>(table.Data + start, (int)table.Ends[i] - start);
            // readers take the carriage return off the last field themselves, so that it must not hide blanks in front of it
            if (table.TrimReturn && i % table.Stride == table.Stride - 1 && field.EndsWith("\r"u8))
                field = field[..^1];
            var (at, length) = Trim(field, start, scan);
            (before[i], ends[i]) = ((uint)at - 1, (uint)(at + length));
        }
        table.Before = before;
        table.Ends = ends;
    }
}
