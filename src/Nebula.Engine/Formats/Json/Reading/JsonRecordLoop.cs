using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Goes through the records of a block: knows how the layouts frame them and where the next one starts when one cannot be read, but not what is in them.
/// </summary>
/// <typeparam name="TKernel">How strings are scanned.</typeparam>
internal abstract unsafe class JsonRecordLoop<TKernel> where TKernel : struct, IStringKernel
{
    private readonly StructureScanner _scanner;

    /// <summary>Makes a loop.</summary>
    protected JsonRecordLoop(JsonDialect dialect, SimdLevel level)
    {
        Dialect = dialect;
        // where records are lines, a line feed inside a record is no blank but its end
        Newline = dialect.Layout == JsonLayout.Lines ? (byte)' ' : (byte)'\n';
        _scanner = new StructureScanner(dialect.Layout == JsonLayout.Array ? StructureMode.Elements : StructureMode.Documents, level);
    }

    /// <summary>How the records are written.</summary>
    protected JsonDialect Dialect { get; }

    /// <summary>See <see cref="JsonLexer.SkipBlanks"/>.</summary>
    protected byte Newline { get; }

    /// <summary>What is wrong with the record at hand.</summary>
    protected JsonFault Fault { get; } = new();

    /// <summary>The first byte of the block.</summary>
    protected byte* Start { get; private set; }

    /// <summary>Behind its last byte; a zero stands there.</summary>
    protected byte* End { get; private set; }

    /// <summary>Reads a record.</summary>
    /// <param name="record">Its first byte.</param>
    /// <returns>Behind it; null after a fault was set.</returns>
    protected abstract byte* Read(byte* record);

    /// <summary>Takes the record that was read.</summary>
    /// <param name="record">Its first byte.</param>
    /// <param name="behind">Behind it.</param>
    /// <returns>False after a fault was set.</returns>
    protected abstract bool Accept(byte* record, byte* behind);

    /// <summary>Leaves out a record that has a fault.</summary>
    /// <param name="record">Its first byte.</param>
    /// <param name="end">Where the next one is looked for.</param>
    protected abstract void Refuse(byte* record, byte* end);

    /// <summary>Goes through a block.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="length">Its bytes; a zero stands behind them.</param>
    /// <param name="context">What the splitter said about it.</param>
    /// <param name="name">The file, for messages.</param>
    protected void Run(byte* start, int length, JsonBlockContext context, string name)
    {
        Start = start;
        End = start + length;
        if (context == JsonBlockContext.Outside)
            return;
        if (context == JsonBlockContext.Start && new ReadOnlySpan<byte>(start, length).StartsWith("\uFEFF"u8))
            start += 3;
        switch (Dialect.Layout)
        {
            case JsonLayout.Lines:
                RunLines(start);
                break;
            case JsonLayout.Documents:
                RunDocuments(start);
                break;
            default:
                RunElements(context, name);
                break;
        }
    }

    private void RunLines(byte* p)
    {
        while ((p = JsonLexer.SkipBlanks(p, (byte)'\n')) < End)
        {
            var record = p;
            if ((p = Read(record)) != null)
            {
                p = JsonLexer.SkipBlanks(p, Newline);
                if (*p != '\n' && p != End)
                    Fault.Set(p, JsonProblem.TrailingContent);
                else if (Accept(record, p))
                    continue;
            }
            p = EndOfLine(record);
            Refuse(record, p);
        }
    }

    private void RunDocuments(byte* p)
    {
        while ((p = JsonLexer.SkipBlanks(p, (byte)'\n')) < End)
        {
            var record = p;
            if ((p = Read(record)) != null && Accept(record, p))
                continue;
            p = EndOfDocument(record);
            Refuse(record, p);
        }
    }

    private void RunElements(JsonBlockContext context, string name)
    {
        var p = Start;
        var isFirst = context == JsonBlockContext.Start;
        if (isFirst)
        {
            var start = JsonArraySplitter.FindStart(new ReadOnlySpan<byte>(Start, (int)(End - Start)), endOfInput: true, Dialect.Path, name);
            if (start < 0)
                return;
            p = JsonLexer.SkipBlanks(Start + start + 1, (byte)'\n');
            if (*p == ']')
                return;
        }
        while (true)
        {
            p = JsonLexer.SkipBlanks(p, (byte)'\n');
            if (!isFirst)
            {
                // the splitter ends the array at any bracket, and looks at what follows it
                if (p >= End || *p == ']')
                    return;
                if (*p != ',')
                {
                    Fault.Set(p, JsonProblem.ExpectedComma);
                    var garbage = p;
                    p = EndOfElement(p);
                    Refuse(garbage, p);
                    if (p == garbage)
                        return;
                    continue;
                }
                p = JsonLexer.SkipBlanks(p + 1, (byte)'\n');
            }
            isFirst = false;
            var record = p;
            if (p >= End || *p is (byte)',' or (byte)']')
                Fault.Set(p, JsonProblem.MissingRecord);
            else if ((p = Read(record)) != null && Accept(record, p))
                continue;
            p = EndOfElement(record);
            Refuse(record, p);
        }
    }

    private byte* EndOfLine(byte* p)
    {
        var length = new ReadOnlySpan<byte>(p, (int)(End - p)).IndexOf((byte)'\n');
        return length < 0 ? End : p + length;
    }

    /// <summary>Finds where a document that cannot be read ends, by its brackets and quotes alone; where it has none, by the next blank.</summary>
    private byte* EndOfDocument(byte* p)
    {
        if (IsStructure(*p))
            return FindBoundary(p);
        p++;
        while (p < End && *p > ' ' && !IsStructure(*p))
            p++;
        return p;
    }

    /// <summary>Finds the comma or bracket that follows an element that cannot be read.</summary>
    private byte* EndOfElement(byte* p) => p >= End || *p is (byte)',' or (byte)']' or (byte)'}' ? p : FindBoundary(p);

    private byte* FindBoundary(byte* p)
    {
        var length = (int)(End - p);
        _scanner.Reset(0);
        // by pieces: the next record is usually near
        for (var piece = Math.Min(length, 256); ; piece = (int)Math.Min(length, piece * 4L))
        {
            _scanner.Scan(p, piece);
            if (_scanner.FirstBoundary > 0)
                return p + _scanner.FirstBoundary;
            if (_scanner.EndOfArray >= 0)
                return p + _scanner.EndOfArray;
            if (piece == length)
                return End;
        }
    }

    private static bool IsStructure(byte c) => c is (byte)'{' or (byte)'[' or (byte)'"' or (byte)'}' or (byte)']';
}
