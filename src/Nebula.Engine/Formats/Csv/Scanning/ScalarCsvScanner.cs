namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>
/// The scanner one byte at a time. Its rules: a field is quoted when its first character is a quote; inside quotes a doubled (or escaped) quote is content;
/// behind the closing quote everything up to the next delimiter or line end belongs to the field; in an unquoted field quotes are ordinary.
/// </summary>
internal sealed unsafe class ScalarCsvScanner : ICsvScanner
{
    public string Name => "scalar";

    public int Scan(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, uint* ends, int room)
    {
        var count = 0;
        var s = state;
        while (s.Position < length && count < room)
        {
            var c = bytes[s.Position++];
            s.SawQuotes |= c == dialect.Quote;
            if (Step(c, dialect, ref s))
                ends[count++] = (uint)s.Position - 1;
        }
        state = s;
        return count;
    }

    public void FindLastLineEnd(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, ref int last)
    {
        var s = state;
        while (s.Position < length)
            if (Step(bytes[s.Position++], dialect, ref s) && s.Mode == CsvScanMode.RecordStart)
                last = s.Position - 1;
        state = s;
    }

    /// <summary>Goes one character further.</summary>
    /// <returns>Whether it ended a field.</returns>
    private static bool Step(byte c, in CsvScanDialect dialect, ref CsvScanState s)
    {
        if (c == dialect.NewLine)
            s.Lines++;
        switch (s.Mode)
        {
            case CsvScanMode.Quoted:
                if (c == dialect.Escape && dialect.Escape != dialect.Quote)
                    s.Mode = CsvScanMode.EscapeInQuoted;
                else if (c == dialect.Quote)
                    s.Mode = CsvScanMode.QuoteInQuoted;
                return false;
            case CsvScanMode.EscapeInQuoted:
                s.Mode = CsvScanMode.Quoted;
                return false;
            case CsvScanMode.QuoteInQuoted when c == dialect.Quote && dialect.Escape == dialect.Quote:
                s.Mode = CsvScanMode.Quoted;
                return false;
            case CsvScanMode.Comment when c != dialect.NewLine:
                return false;
            default:
                break;
        }
        if (c == dialect.NewLine)
        {
            s.Mode = CsvScanMode.RecordStart;
            s.Records++;
            return true;
        }
        if (c == dialect.Delimiter)
        {
            s.Mode = CsvScanMode.FieldStart;
            return true;
        }
        s.Mode = s.Mode switch
        {
            CsvScanMode.RecordStart when c == dialect.Comment && c != 0 => CsvScanMode.Comment,
            CsvScanMode.RecordStart or CsvScanMode.FieldStart when c == dialect.Quote => CsvScanMode.Quoted,
            _ => CsvScanMode.Field,
        };
        return false;
    }
}
