using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv.Reading;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv;

/// <summary>
/// Finds out how a CSV file is written. Each combination of delimiter, quote and escape is tried on the sample; the one under which most records have the same
/// number of fields wins, and of those the one with more fields.
/// </summary>
internal sealed unsafe class CsvDialectDetector(OptionValues options)
{
    private const int MaxRecords = 1_000;
    private const int MaxColumns = 1 << 16;
    private static readonly byte[] Delimiters = [(byte)',', (byte)';', (byte)'\t', (byte)'|'];

    /// <summary>Where the first record of a file can start.</summary>
    public static int EndOfSkippedLines(ReadOnlySpan<byte> bytes, CsvDialect dialect)
    {
        var at = 0;
        for (var i = 0; i < dialect.SkipRows && at < bytes.Length; i++)
        {
            var end = bytes[at..].IndexOf(dialect.NewLine);
            at = end < 0 ? bytes.Length : at + end + 1;
        }
        return at;
    }

    /// <summary>Finds the dialect of a sample in UTF-8 (or in the encoding that the options name: ASCII is enough here).</summary>
    /// <exception cref="NebulaException">An option is wrong.</exception>
    public CsvDialect Detect(ReadOnlySpan<byte> sample, bool isWhole)
    {
        var encoding = ReadEncoding(sample);
        using var text = ToUtf8(sample, encoding);
        var bytes = (ReadOnlySpan<byte>)text.Content;
        var hasLineFeed = bytes.Contains((byte)'\n');
        var dialect = new CsvDialect
        {
            Encoding = encoding,
            NewLine = hasLineFeed || !bytes.Contains((byte)'\r') ? (byte)'\n' : (byte)'\r',
            SkipRows = (int)Math.Clamp(options.Integer("skip_rows") ?? 0, 0, int.MaxValue),
            NullMarkers = options.List("null_markers") is { } markers ? [.. markers] : [""],
            NullPadding = options.Flag("null_padding") ?? false,
            Trim = options.Flag("trim") ?? false,
            Decimal = ReadByte("decimal") ?? CsvDialect.Point,
            Thousands = ReadByte("thousands"),
            DateFormat = options.Text("date_format"),
            TimestampFormat = options.Text("timestamp_format"),
        };
        CheckCharacters();
        CheckForms(dialect);
        if (dialect.SkipRows == 0 && FindSeparatorLine(bytes, dialect.NewLine) is { } separator)
            dialect = ChooseQuotes(bytes, isWhole, dialect with { SkipRows = 1, Delimiter = ReadByte("delimiter") ?? separator, Comment = ReadByte("comment") },
                Quotes()).Dialect ?? dialect;
        else
            dialect = Choose(bytes, isWhole, dialect);
        foreach (var (name, value) in new[] { ("decimal", dialect.Decimal), ("thousands", dialect.Thousands) })
            if (value is { } character && (character == dialect.Quote || character == dialect.Comment))
                throw NebulaException.Configuration($"Option '{name}' of {options.Owner} is '{(char)character}', which "
                    + $"{(character == dialect.Quote ? "encloses fields: set 'quote'" : "starts comments: set 'comment'")} to another one, or to none.",
                    options.LocationOf(name));
        return WithHeader(bytes, isWhole, dialect);
    }

    private string ReadEncoding(ReadOnlySpan<byte> sample)
    {
        if (options.Text("encoding") is { } named)
        {
            try
            {
                _ = CsvDialect.FindEncoding(named);
            }
            catch (ArgumentException e)
            {
                throw NebulaException.Configuration(e.Message, options.LocationOf("encoding"));
            }
            // which of the two orders plain "utf-16" means is told by the byte order mark
            return named.Equals("utf-16", StringComparison.OrdinalIgnoreCase) && sample.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])
                ? "utf-16be" : named.ToLowerInvariant();
        }
        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
            return "utf-16le";
        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            return "utf-16be";
        return "utf-8";
    }

    /// <summary>The sample as UTF-8 without byte order mark, in a padded buffer.</summary>
    private static PooledBuffer ToUtf8(ReadOnlySpan<byte> sample, string encoding)
    {
        var decoder = CsvDialect.FindEncoding(encoding);
        PooledBuffer buffer;
        if (decoder is null)
        {
            var content = sample.StartsWith("\uFEFF"u8) ? sample[3..] : sample;
            buffer = BufferPool.Shared.Rent(content.Length);
            content.CopyTo(buffer.Span);
            buffer.Length = content.Length;
            return buffer;
        }
        // an odd byte or half a surrogate pair at the end of the sample is nobody's fault here
        var lenient = Encoding.GetEncoding(decoder.CodePage == 0 ? 28591 : decoder.CodePage, EncoderFallback.ReplacementFallback,
            DecoderFallback.ReplacementFallback);
        var chars = (decoder is Windows1252Encoding ? decoder : lenient).GetString(sample);
        var utf8 = Encoding.UTF8.GetBytes(chars.TrimStart('\uFEFF'));
        buffer = BufferPool.Shared.Rent(utf8.Length);
        utf8.CopyTo(buffer.Span);
        buffer.Length = utf8.Length;
        return buffer;
    }

    /// <summary>The delimiter that a first line such as <c>sep=;</c> names. Excel writes and reads it; it is no record.</summary>
    private static byte? FindSeparatorLine(ReadOnlySpan<byte> bytes, byte newLine)
    {
        const int LineLength = 5;
        var end = bytes.IndexOf(newLine);
        var line = (end < 0 ? default : bytes[..end]).TrimEnd((byte)'\r').Trim((byte)'"');
        return line.Length == LineLength && line.StartsWith("sep="u8) && !char.IsAsciiLetterOrDigit((char)line[^1]) && line[^1] < 128 ? line[^1] : null;
    }

    private byte?[] Quotes() => options.Text("quote") is { } text ? [ReadByte("quote", text)] : [(byte)'"', (byte)'\'', null];

    private CsvDialect Choose(ReadOnlySpan<byte> bytes, bool isWhole, CsvDialect start)
    {
        // what numbers have in front of their fraction is a delimiter only where nothing else is
        byte[] delimiters = ReadByte("delimiter") is { } delimiter ? [delimiter] : start.Decimal == CsvDialect.Point ? Delimiters
            : [.. Delimiters.OrderBy(candidate => candidate == start.Decimal)];
        var quotes = Quotes();
        var comments = options.Text("comment") is { } commentText ? [ReadByte("comment", commentText)] : new byte?[] { null, (byte)'#' };
        CsvDialect? best = null;
        var bestScore = Score.None;
        foreach (var comment in comments)
        {
            if (comment is not null && comments.Length > 1 && !HasComment(bytes, start, comment.Value))
                continue;
            var isAbsentTried = false;
            foreach (var candidate in delimiters)
            {
                if (candidate == start.Decimal && bestScore.Fields > 1)
                    continue;
                // those that do not occur all explain the same
                if (!bytes.Contains(candidate))
                {
                    if (isAbsentTried)
                        continue;
                    isAbsentTried = true;
                }
                var (dialect, score) = ChooseQuotes(bytes, isWhole, start with { Delimiter = candidate, Comment = comment }, quotes);
                if (dialect is not null && score.CompareTo(bestScore) > 0)
                    (best, bestScore) = (dialect, score);
            }
        }
        // lines of which none is a regular record are comments, however few they are
        if (best is { Comment: null } && comments.Length > 1 && HasComment(bytes, start, (byte)'#'))
        {
            var commented = best with { Comment = (byte)'#' };
            var score = Try(bytes, isWhole, commented);
            if (score.Fields > 1 && score.Fields == bestScore.Fields && score.Same >= bestScore.Same && score.Broken >= bestScore.Broken)
                best = commented;
        }
        return best ?? start with
        {
            Delimiter = delimiters[0],
            Quote = quotes[0],
            Escape = quotes[0],
            Comment = options.Text("comment") is null
            ? null : comments[0]
        };
    }

    /// <summary>
    /// The best way of quoting with a given delimiter: quotes that enclose many fields explain more than the additional fields that there would be without
    /// them.
    /// </summary>
    private (CsvDialect? Dialect, Score Score) ChooseQuotes(ReadOnlySpan<byte> bytes, bool isWhole, CsvDialect start, byte?[] quotes)
    {
        CsvDialect? best = null;
        var bestScore = Score.None;
        foreach (var quote in quotes)
        {
            // nothing to find, or nothing left to explain
            if (best is not null && (quote is { } sought ? !bytes.Contains(sought) : bestScore is { Broken: 0, Tenths: 1 }))
                continue;
            var escapes = options.Text("escape") is { } escapeText ? [ReadByte("escape", escapeText)]
                : quote is { } q && bytes.IndexOf([(byte)'\\', q]) >= 0 ? new byte?[] { quote, (byte)'\\' } : new byte?[] { quote };
            foreach (var escape in escapes)
            {
                if (start.Delimiter == quote || start.Delimiter == escape || start.Delimiter == start.Comment)
                    continue;
                var dialect = start with { Quote = quote, Escape = escape };
                var score = Try(bytes, isWhole, dialect);
                // an apostrophe here and there is text, unless it makes records equal
                if (quote == '\'' && quotes.Length > 1 && !score.HasQuotedColumn && score.Tenths <= bestScore.Tenths)
                    continue;
                if (score.CompareQuotes(bestScore) > 0)
                    (best, bestScore) = (dialect, score);
            }
        }
        return (best, bestScore);
    }

    /// <summary>The characters that the user set must be able to do their work, and not each other's.</summary>
    private void CheckCharacters()
    {
        if (options.Text("delimiter") is { } text && ReadByte("delimiter", text) is null)
            throw Wrong("delimiter", "one ASCII character, '\\t' or 'tab'");
        if (ReadByte("quote") is { } quote && (char.IsAsciiLetterOrDigit((char)quote) || quote is (byte)'-' or (byte)'+' or (byte)'.' or (byte)' '))
            throw Wrong("quote", "a character that numbers and words do not start with");
        string[] names = ["delimiter", "quote", "comment", "escape"];
        foreach (var name in names)
        {
            if (ReadByte(name) is not { } value)
                continue;
            if (value is (byte)'\n' or (byte)'\r' or 0)
                throw Wrong(name, "a character other than a line end");
            // the quote may be its own escape
            var other = names.TakeWhile(n => n != name).FirstOrDefault(n => ReadByte(n) == value && !(name == "escape" && n == "quote"));
            if (other is not null)
                throw Wrong(name, $"another character than '{other}'");
        }

        NebulaException Wrong(string name, string expected) => NebulaException.Configuration(
            $"Option '{name}' of {options.Owner} must be {expected}; it is '{options.Text(name)}'.", options.LocationOf(name));
    }

    /// <summary>The forms of values must be forms, and tell values apart.</summary>
    private void CheckForms(CsvDialect dialect)
    {
        foreach (var name in (string[])["decimal", "thousands"])
            if (options.IsSet(name) && (ReadByte(name) is not { } value || char.IsAsciiLetterOrDigit((char)value) || value < ' '
                || value is (byte)'-' or (byte)'+' or (byte)'"'))
                throw NebulaException.Configuration($"Option '{name}' of {options.Owner} must be one ASCII character that numbers do not have besides, such as "
                    + $"',' or '.'; it is '{options.Text(name)}'.", options.LocationOf(name));
        if (dialect.Thousands == dialect.Decimal)
            throw NebulaException.Configuration($"Options 'decimal' and 'thousands' of {options.Owner} are both '{(char)dialect.Decimal}'. For numbers such as "
                + "1.234,5 set 'decimal' to ',' and 'thousands' to '.'.", options.LocationOf("thousands"));
        RequireFormat("date_format", static format => !format.HasTime ? null : "it has a time of day: use 'timestamp_format' for such values");
        RequireFormat("timestamp_format", static _ => null);
    }

    private void RequireFormat(string name, Func<TimeFormat, string?> fault)
    {
        if (options.Text(name) is not { } text)
            return;
        string? found;
        try
        {
            found = fault(TimeFormat.Parse(text));
        }
        catch (FormatException e)
        {
            found = e.Message;
        }
        if (found is not null)
            throw NebulaException.Configuration(
                $"Option '{name}' of {options.Owner} is not a form of dates, such as '%d.%m.%Y': {found}. It is '{text}'.", options.LocationOf(name));
    }

    private static bool HasComment(ReadOnlySpan<byte> bytes, CsvDialect dialect, byte comment)
    {
        var rest = bytes[EndOfSkippedLines(bytes, dialect)..];
        return (rest.Length > 0 && rest[0] == comment) || rest.IndexOf([dialect.NewLine, comment]) >= 0;
    }

    /// <summary>How well a dialect explains the sample.</summary>
    private static Score Try(ReadOnlySpan<byte> bytes, bool isWhole, CsvDialect dialect)
    {
        var counts = new Dictionary<int, int>();
        var records = new CsvRecords(bytes, dialect, EndOfSkippedLines(bytes, dialect));
        // by column: whether every field that is not empty is quoted
        var quotedColumns = new List<bool>();
        int total = 0, broken = 0, quoted = 0;
        while (total < MaxRecords && records.MoveNext())
        {
            // the sample may end inside a record
            if (!records.IsComplete && !isWhole && total > 0)
                break;
            total++;
            counts[records.Fields.Count] = counts.GetValueOrDefault(records.Fields.Count) + 1;
            for (var i = 0; i < records.Fields.Count; i++)
            {
                if (i == quotedColumns.Count)
                    quotedColumns.Add(true);
                quotedColumns[i] &= records.Fields[i].Length == 0 || records.IsQuoted(i);
                if (records.IsQuoted(i))
                {
                    if (records.Unquoted(i) is null)
                        broken++;
                    else
                        quoted++;
                }
            }
        }
        if (total == 0)
            return default;
        var (fields, same) = (0, 0);
        foreach (var (width, times) in counts)
            if (times > same || (times == same && width > fields))
                (fields, same) = (width, times);
        var consistent = (double)same / total;
        // one field per record explains nothing, any text would have it, unless it is quoted
        return new Score(broken > (quoted + broken) / 10 ? -broken : 0, fields > 1 || (same == total && quoted > 0) ? consistent : 0, fields, quoted, same,
            quotedColumns.Contains(true));
    }

    private CsvDialect WithHeader(ReadOnlySpan<byte> bytes, bool isWhole, CsvDialect dialect)
    {
        var records = new CsvRecords(bytes, dialect, EndOfSkippedLines(bytes, dialect));
        var names = ImmutableArray<string>.Empty;
        var firstCount = 0;
        CsvTypeLattice[] first = [], rest = [];
        bool[] areYears = [];
        var forms = CsvValueForms.Of(dialect);
        var total = 0;
        while (total <= MaxRecords && records.MoveNext())
        {
            if (total++ == 0)
            {
                firstCount = records.Fields.Count;
                if (!records.IsComplete && !isWhole)
                    throw new DataFormatException($"the first record does not end within the first {Units.FormatSize(bytes.Length)}. If a quote in it is not "
                        + "closed, close it or set 'quote: none'; if the record is that long, raise 'sample_size'.");
                if (firstCount > MaxColumns)
                    throw new DataFormatException($"the first record has {firstCount:N0} fields; {MaxColumns:N0} columns are the most. Is the delimiter "
                        + "right?");
                names = CsvHeader.Read(ref records);
                first = [.. names.Select(_ => new CsvTypeLattice(forms))];
                rest = [.. names.Select(_ => new CsvTypeLattice(forms))];
                areYears = new bool[firstCount];
                for (var i = 0; i < firstCount; i++)
                {
                    ObserveField(ref records, i, first[i]);
                    areYears[i] = IsYear(names[i]);
                }
            }
            else if (records.Fields.Count == firstCount)
                for (var i = 0; i < firstCount; i++)
                {
                    ObserveField(ref records, i, rest[i]);
                    areYears[i] = areYears[i] && (records.Raw(i).IsEmpty || IsYear(records.Raw(i).Trim((byte)'"')));
                }
        }
        var header = options.Flag("header") ?? IsHeader(names, first, rest, areYears);
        return dialect with { Header = header, Columns = header ? CsvHeader.MakeUnique(names) : CsvHeader.Generate(firstCount) };
    }

    /// <summary>
    /// Whether the first record holds names: texts that are no data. Present and different is enough then; with a gap or a name that occurs twice, the types
    /// of the columns below must tell.
    /// </summary>
    private static bool IsHeader(ImmutableArray<string> names, CsvTypeLattice[] first, CsvTypeLattice[] rest, bool[] areYears)
    {
        if (IsHeaderWithYears(names, first, rest, areYears))
            return true;
        var gaps = 0;
        var isAboveValues = false;
        for (var i = 0; i < names.Length; i++)
        {
            if (!first[i].HasValue)
                gaps++;
            // a number, a date; also 12/31/2020, 10%, 555-1234
            else if (first[i].Build().Kind != TypeKind.String || (names[i].Any(char.IsAsciiDigit) && !names[i].Any(char.IsLetter)))
                return false;
            else
                isAboveValues |= IsTyped(rest[i]);
        }
        if (gaps == names.Length)
            return false;
        // data frames are written with a column of row numbers that has no name
        var hasRowNumbers = gaps == 1 && !first[0].HasValue && rest[0].HasValue && rest[0].Build().Kind == TypeKind.Int64;
        return isAboveValues || hasRowNumbers || (gaps == 0 && names.Distinct(StringComparer.Ordinal).Count() == names.Length);
    }

    /// <summary>
    /// Whether the first record names columns by years besides texts, as tables of figures do: each name is there once, and below the years are values that are
    /// none. Years above years are data: titles with the year they came out, for example.
    /// </summary>
    private static bool IsHeaderWithYears(ImmutableArray<string> names, CsvTypeLattice[] first, CsvTypeLattice[] rest, bool[] areYears)
    {
        var (texts, years) = (0, 0);
        for (var i = 0; i < names.Length; i++)
            if (IsYear(names[i]))
            {
                if (!rest[i].HasValue || areYears[i])
                    return false;
                years++;
            }
            // above the names of rows there may be none
            else if (i == 0 && !first[i].HasValue && rest[i].HasValue
                || first[i].HasValue && first[i].Build().Kind == TypeKind.String && names[i].Any(char.IsLetter))
                texts++;
            else
                return false;
        return texts > 0 && years > 0 && names.Distinct(StringComparer.Ordinal).Count() == names.Length;
    }

    private static bool IsYear(string text) => IsYear(Encoding.UTF8.GetBytes(text));

    private static bool IsYear(ReadOnlySpan<byte> text) =>
        text.Length == 4 && (text.StartsWith("19"u8) || text.StartsWith("20"u8)) && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    private static bool IsTyped(CsvTypeLattice type) => type.HasValue && type.Build().Kind != TypeKind.String;

    private static void ObserveField(ref CsvRecords records, int field, CsvTypeLattice type)
    {
        if (records.IsQuoted(field))
        {
            if (records.Unquoted(field) is not { Length: > 0 } text)
                return;
            // the parsers look behind the text
            var padded = new byte[text.Length + BufferPool.Padding];
            text.CopyTo(padded, 0);
            fixed (byte* p = padded)
                type.Observe(p, text.Length);
        }
        else if (records.Raw(field) is { Length: > 0 } raw)
            fixed (byte* p = raw)
                type.Observe(p, raw.Length);
    }

    private byte? ReadByte(string option) => options.Text(option) is { } text ? ReadByte(option, text) : null;

    private byte? ReadByte(string option, string text) => CsvDialect.IsByte(text) ? CsvDialect.ParseByte(text) : throw NebulaException.Configuration(
        $"Option '{option}' of {options.Owner} must be one ASCII character, '\\t' or 'none'; it is '{text}'.", options.LocationOf(option));

    /// <summary>How well a dialect fits; compared part by part.</summary>
    private readonly record struct Score(int Broken, double Consistent, int Fields, int Quoted, int Same, bool HasQuotedColumn)
    {
        public static Score None { get; } = new(int.MinValue, 0, 0, 0, 0, false);

        // a tenth of the records may be odd without a verdict
        public double Tenths => Math.Round(Consistent, 1);

        /// <summary>Compares dialects of different delimiters.</summary>
        public int CompareTo(Score other) => (Broken, Tenths, Fields, Quoted).CompareTo((other.Broken, other.Tenths, other.Fields, other.Quoted));

        /// <summary>Compares dialects that differ in their quotes only.</summary>
        public int CompareQuotes(Score other) => (Broken, Tenths, Quoted, Fields).CompareTo((other.Broken, other.Tenths, other.Quoted, other.Fields));
    }
}
