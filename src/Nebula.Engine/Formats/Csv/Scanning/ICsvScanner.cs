namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>
/// Finds the ends of fields in CSV bytes. The only door to vector code: the rest of the reader is ordinary C#. Every implementation gives the same
/// answers as <see cref="ScalarCsvScanner"/>, which defines what a field is.
/// </summary>
internal unsafe interface ICsvScanner
{
    /// <summary>Name for messages and for forcing it.</summary>
    string Name { get; }

    /// <summary>Finds ends of fields from <see cref="CsvScanState.Position"/> on until the bytes or the room for ends is used up.</summary>
    /// <param name="bytes">The bytes; <see cref="Columns.BufferPool.Padding"/> more are readable behind them.</param>
    /// <param name="length">Number of bytes.</param>
    /// <param name="dialect">What separates, ends and quotes fields.</param>
    /// <param name="state">Where to go on, and what is known from before.</param>
    /// <param name="ends">Takes the position of each delimiter and line end that is not quoted.</param>
    /// <param name="room">Number of ends that fit; 128 more may be overwritten.</param>
    /// <returns>Number of ends found.</returns>
    int Scan(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, uint* ends, int room);

    /// <summary>Finds the last line end that is not quoted.</summary>
    /// <param name="bytes">The bytes, from the start of a record.</param>
    /// <param name="length">Number of bytes.</param>
    /// <param name="dialect">What separates, ends and quotes fields.</param>
    /// <param name="state">Where to go on, and what is known from before.</param>
    /// <param name="last">Position of the last such line end; unchanged when there is none.</param>
    void FindLastLineEnd(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, ref int last);
}

/// <summary>The characters that a scanner looks for.</summary>
/// <param name="Delimiter">Separates fields.</param>
/// <param name="NewLine">Ends records.</param>
/// <param name="Quote">Encloses fields; equal to <paramref name="NewLine"/> when there are no quotes, since that never reads as a quote.</param>
/// <param name="Escape">Makes the next character ordinary inside quotes; equal to <paramref name="Quote"/> when quotes are doubled.</param>
/// <param name="Comment">Starts a line that is no record: quotes in it mean nothing; 0 when there are none.</param>
internal readonly record struct CsvScanDialect(byte Delimiter, byte NewLine, byte Quote, byte Escape, byte Comment)
{
    public CsvScanDialect(CsvDialect dialect)
        : this(dialect.Delimiter, dialect.NewLine, dialect.Quote ?? dialect.NewLine, dialect.Quote is null ? dialect.NewLine : dialect.Escape
            ?? dialect.Quote.Value, dialect.Comment ?? 0)
    {
    }

    /// <summary>Whether fields can be quoted at all.</summary>
    public bool HasQuotes => Quote != NewLine;

    /// <summary>
    /// Whether the positions of quotes alone tell what is quoted. Not so with another escape character, or with comments, which may hold single quotes.
    /// </summary>
    public bool QuotesTellAll => Escape == Quote && Comment == 0;
}

/// <summary>Where in the grammar a scanner stands.</summary>
internal enum CsvScanMode : byte
{
    /// <summary>A record starts here.</summary>
    RecordStart,

    /// <summary>A field starts here, behind a delimiter.</summary>
    FieldStart,

    /// <summary>Inside a field, where quotes are ordinary.</summary>
    Field,

    /// <summary>Inside quotes.</summary>
    Quoted,

    /// <summary>Behind a quote inside quotes: it was the closing one, unless another quote follows.</summary>
    QuoteInQuoted,

    /// <summary>Behind an escape inside quotes: the next character is ordinary.</summary>
    EscapeInQuoted,

    /// <summary>Inside a comment.</summary>
    Comment,
}

/// <summary>What a scanner remembers from one call to the next.</summary>
internal struct CsvScanState
{
    /// <summary>First byte not looked at yet.</summary>
    public int Position;

    /// <summary>What <see cref="Position"/> is in the grammar.</summary>
    public CsvScanMode Mode;

    /// <summary>Line ends seen, quoted or not.</summary>
    public long Lines;

    /// <summary>Line ends seen that end records.</summary>
    public int Records;

    /// <summary>Whether any quote was seen by <see cref="ICsvScanner.Scan"/>, whatever it means; never reset by a scanner.</summary>
    public bool SawQuotes;
}
