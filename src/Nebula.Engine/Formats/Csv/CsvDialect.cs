using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv;

/// <summary>
/// How the records of a CSV file are written (RFC 4180 and what occurs beyond it). Travels as plain keys and values; see <see cref="ToDetails"/>.
/// </summary>
internal sealed record CsvDialect
{
    /// <summary>Key that is there when a file is known to be what <see cref="Writing.CsvBlockEncoder"/> wrote. That is never detected.</summary>
    public const string OursKey = "ours";

    /// <summary>What usually stands in front of the fraction of numbers.</summary>
    public const byte Point = (byte)'.';

    /// <summary>Separates fields.</summary>
    public byte Delimiter { get; init; } = (byte)',';

    /// <summary>Encloses fields that hold special characters; null when quotes are ordinary characters.</summary>
    public byte? Quote { get; init; } = (byte)'"';

    /// <summary>Makes a quote inside a quoted field ordinary. The quote itself (doubled) in RFC 4180.</summary>
    public byte? Escape { get; init; } = (byte)'"';

    /// <summary>Starts a line that is no record; null when there are none.</summary>
    public byte? Comment { get; init; }

    /// <summary>Ends a record: line feed (a carriage return before it is dropped) or a lone carriage return.</summary>
    public byte NewLine { get; init; } = (byte)'\n';

    /// <summary>Whether the first record holds the names of the columns.</summary>
    public bool Header { get; init; } = true;

    /// <summary>Lines in front of the first record that are no records.</summary>
    public int SkipRows { get; init; }

    /// <summary>Name of the character encoding: <c>utf-8</c>, <c>utf-16le</c>, <c>utf-16be</c>, <c>latin-1</c>, <c>windows-1252</c>.</summary>
    public string Encoding { get; init; } = "utf-8";

    /// <summary>Texts of unquoted fields that stand for null.</summary>
    public ImmutableArray<string> NullMarkers { get; init; } = [""];

    /// <summary>Whether a record with fewer fields than the first is completed with nulls instead of being bad.</summary>
    public bool NullPadding { get; init; }

    /// <summary>Whether blanks and tabs around fields go; those inside quotes stay.</summary>
    public bool Trim { get; init; }

    /// <summary>What stands in front of the fraction of numbers.</summary>
    public byte Decimal { get; init; } = Point;

    /// <summary>What stands between groups of three digits; null for nothing.</summary>
    public byte? Thousands { get; init; }

    /// <summary>The form of dates (<see cref="TimeFormat"/>); null for ISO 8601.</summary>
    public string? DateFormat { get; init; }

    /// <summary>The form of timestamps (<see cref="TimeFormat"/>); null for ISO 8601.</summary>
    public string? TimestampFormat { get; init; }

    /// <summary>Names of the columns in file order.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>The dialect as keys and values for people, for <c>discover</c>, and for <see cref="FromDetails"/>.</summary>
    public IReadOnlyDictionary<string, string> ToDetails()
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["delimiter"] = Show(Delimiter),
            ["quote"] = Show(Quote),
            ["escape"] = Show(Escape),
            ["comment"] = Show(Comment),
            ["newline"] = NewLine == '\r' ? "cr" : "lf",
            ["header"] = Header ? "true" : "false",
            ["skip_rows"] = SkipRows.ToString(CultureInfo.InvariantCulture),
            ["encoding"] = Encoding,
            ["null_markers"] = TextList.Render(NullMarkers),
            ["null_padding"] = NullPadding ? "true" : "false",
            ["columns"] = TextList.Render(Columns),
        };
        // what is never detected is there only when it was set
        if (Trim)
            details["trim"] = "true";
        if (Decimal != Point)
            details["decimal"] = Show(Decimal);
        if (Thousands is not null)
            details["thousands"] = Show(Thousands);
        if (DateFormat is not null)
            details["date_format"] = DateFormat;
        if (TimestampFormat is not null)
            details["timestamp_format"] = TimestampFormat;
        return details;
    }

    /// <summary>Reads what <see cref="ToDetails"/> wrote.</summary>
    public static CsvDialect FromDetails(IReadOnlyDictionary<string, string> details) => new()
    {
        Delimiter = ParseByte(details["delimiter"]) ?? (byte)',',
        Quote = ParseByte(details["quote"]),
        Escape = ParseByte(details["escape"]),
        Comment = ParseByte(details["comment"]),
        NewLine = details["newline"] == "cr" ? (byte)'\r' : (byte)'\n',
        Header = details["header"] == "true",
        SkipRows = int.Parse(details["skip_rows"], CultureInfo.InvariantCulture),
        Encoding = details["encoding"],
        NullMarkers = [.. TextList.Parse(details["null_markers"])],
        NullPadding = details["null_padding"] == "true",
        Trim = details.ContainsKey("trim"),
        Decimal = details.TryGetValue("decimal", out var point) ? ParseByte(point) ?? Point : Point,
        Thousands = details.TryGetValue("thousands", out var group) ? ParseByte(group) : null,
        DateFormat = details.GetValueOrDefault("date_format"),
        TimestampFormat = details.GetValueOrDefault("timestamp_format"),
        Columns = [.. TextList.Parse(details["columns"])],
    };

    /// <summary>Reads a character as users write it: the character itself, <c>\t</c>, <c>tab</c>, <c>none</c>.</summary>
    /// <returns>The byte; null for <c>none</c> and the empty text, and for what is no single ASCII character (see <see cref="IsByte"/>).</returns>
    public static byte? ParseByte(string text) => text switch
    {
        "\\t" or "tab" or "TAB" => (byte)'\t',
        "" or "none" => null,
        { Length: 1 } when text[0] < 128 => (byte)text[0],
        _ => null,
    };

    /// <summary>Whether <see cref="ParseByte"/> understands a text.</summary>
    public static bool IsByte(string text) => ParseByte(text) is not null || text is "" or "none";

    /// <summary>Finds a character encoding by the names that are in use for it; null for UTF-8; an unknown name is an error of the options.</summary>
    public static Encoding? FindEncoding(string name) => name.ToLowerInvariant() switch
    {
        "utf-8" or "utf8" => null,
        "utf-16" or "utf-16le" => new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true),
        "utf-16be" => new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true),
        "latin-1" or "latin1" or "iso-8859-1" => System.Text.Encoding.Latin1,
        "windows-1252" or "cp1252" => Windows1252Encoding.Instance,
        _ => throw new ArgumentException($"'{name}' is no encoding that CSV files can be read in. Use utf-8, utf-16, utf-16le, utf-16be, latin-1 or "
            + "windows-1252."),
    };

    private static string Show(byte? value) => value switch { null => "none", (byte)'\t' => "\\t", _ => ((char)value).ToString() };
}
