namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Finds a record in the middle of a file: behind a line end after which the fields of some records are as many as the file has columns.</summary>
internal static class CsvRecordFinder
{
    private const int LinesTried = 64;
    private const int RecordsCompared = 16;

    /// <inheritdoc cref="ITextFormat.FindRecordStart"/>
    public static int Find(ReadOnlySpan<byte> window, CsvDialect dialect)
    {
        var start = 0;
        for (var i = 0; i < LinesTried; i++)
        {
            var end = window[start..].IndexOf(dialect.NewLine);
            if (end < 0)
                return -1;
            start += end + 1;
            if (start < window.Length && StartsRecord(window, dialect, start))
                return start;
        }
        return -1;
    }

    private static bool StartsRecord(ReadOnlySpan<byte> window, CsvDialect dialect, int start)
    {
        var records = new CsvRecords(window, dialect, start);
        var compared = 0;
        while (compared < RecordsCompared && records.MoveNext() && records.IsComplete)
        {
            if (records.Fields.Count != dialect.Columns.Length)
                return false;
            compared++;
        }
        return compared > 0;
    }
}
