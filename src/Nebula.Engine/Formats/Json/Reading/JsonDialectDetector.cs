using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Finds out how a file is written by reading its first document.</summary>
internal static unsafe class JsonDialectDetector
{
    /// <summary>Detects what the options leave open.</summary>
    /// <param name="sample">The first bytes of the file.</param>
    /// <param name="isWhole">Whether they are the whole file.</param>
    /// <param name="options">What the user set.</param>
    public static JsonDialect Detect(ReadOnlySpan<byte> sample, bool isWhole, OptionValues options)
    {
        var dialect = new JsonDialect
        {
            Encoding = options.Text(JsonDialect.EncodingKey) ?? DetectEncoding(sample),
            InfersTimestamps = options.Text(JsonDialect.TimestampsKey) != "text",
            Path = options.Text(JsonDialect.PathKey) is { Length: > 0 } path ? [.. path.Split('.')] : [],
        };
        var text = JsonEncodings.Find(dialect.Encoding, options) is { } encoding ? Encoding.UTF8.GetBytes(encoding.GetString(sample)) : sample;
        using var copy = new TerminatedCopy(text);
        var layout = options.Text(JsonDialect.LayoutKey) switch
        {
            "lines" => JsonLayout.Lines,
            "documents" => JsonLayout.Documents,
            "array" => JsonLayout.Array,
            _ => dialect.Path.Length > 0 ? JsonLayout.Array : DetectLayout(copy),
        };
        if (dialect.Path.Length > 0 && layout != JsonLayout.Array)
            throw NebulaException.Configuration(
                $"'{JsonDialect.PathKey}' leads to an array: it cannot go with 'layout: {layout.ToString().ToLowerInvariant()}'.",
                options.LocationOf(JsonDialect.PathKey));
        var records = options.Text(JsonDialect.RecordsKey);
        dialect = dialect with { Layout = layout };
        return dialect with { IsValues = records is null ? FirstRecordIsValue(copy, isWhole, dialect) : records == "values" };
    }

    private static string DetectEncoding(ReadOnlySpan<byte> sample) => sample switch
    {
        [0xFF, 0xFE, 0, 0, ..] => "utf-32",
        [0, 0, 0xFE, 0xFF, ..] => "utf-32be",
        [0xFF, 0xFE, ..] => "utf-16",
        [0xFE, 0xFF, ..] => "utf-16be",
        _ => "utf-8",
    };

    private static JsonLayout DetectLayout(TerminatedCopy copy)
    {
        var start = FirstByte(copy);
        var fault = new JsonFault();
        var behind = JsonLexer<StringKernel128>.SkipValue(start, (byte)'\n', 0, fault, out _);
        if (behind == null)
            return *start == '[' ? JsonLayout.Array : DetectLayoutOfBroken(start, copy, fault);
        var isOneLine = !new ReadOnlySpan<byte>(start, (int)(behind - start)).Contains((byte)'\n');
        var endOfLine = JsonLexer.SkipBlanks(behind, (byte)' ');
        // an array that nothing follows holds the records; one that something follows is a record itself
        if (*start == '[' && JsonLexer.SkipBlanks(endOfLine, (byte)'\n') >= copy.End)
            return JsonLayout.Array;
        return isOneLine && (*endOfLine == '\n' || endOfLine >= copy.End) ? JsonLayout.Lines : JsonLayout.Documents;
    }

    /// <summary>The first document is longer than the sample, or broken.</summary>
    private static JsonLayout DetectLayoutOfBroken(byte* start, TerminatedCopy copy, JsonFault fault)
    {
        var read = new ReadOnlySpan<byte>(start, (int)(Math.Min((nint)fault.At, (nint)copy.End) - (nint)start));
        var line = read.LastIndexOf((byte)'\n');
        if (line < 0)
            return JsonLayout.Lines;
        // a line that breaks off in front of another object was meant to be whole
        var startsObject = fault.At < copy.End && *fault.At == '{' && read[(line + 1)..].IndexOfAnyExcept((byte)' ', (byte)'\t') < 0;
        return startsObject ? JsonLayout.Lines : JsonLayout.Documents;
    }

    private static bool FirstRecordIsValue(TerminatedCopy copy, bool isWhole, JsonDialect dialect)
    {
        var start = FirstByte(copy);
        if (dialect.Layout == JsonLayout.Array)
        {
            var bytes = new ReadOnlySpan<byte>(copy.Start, copy.Length);
            if (dialect.Path.Length == 0 && *start != '[')
                return false;
            var bracket = JsonArraySplitter.FindStart(bytes, isWhole, dialect.Path, "the file");
            if (bracket < 0)
                return false;
            start = JsonLexer.SkipBlanks(copy.Start + bracket + 1, (byte)'\n');
        }
        return *start is (byte)'[' or (byte)'"' or (byte)'t' or (byte)'f' or (byte)'n' or (byte)'-' or (>= (byte)'0' and <= (byte)'9');
    }

    private static byte* FirstByte(TerminatedCopy copy) =>
        JsonLexer.SkipBlanks(copy.Start + (new ReadOnlySpan<byte>(copy.Start, copy.Length).StartsWith("\uFEFF"u8) ? 3 : 0), (byte)'\n');
}
