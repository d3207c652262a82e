using System.Buffers;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>What can be wrong with a record.</summary>
internal enum JsonProblem
{
    None,
    ExpectedValue,
    ExpectedKey,
    ExpectedColon,
    ExpectedCommaOrBrace,
    ExpectedCommaOrBracket,
    ExpectedComma,
    ExpectedObject,
    MissingRecord,
    TrailingContent,
    BadNumber,
    BadLiteral,
    BadEscape,
    LoneSurrogate,
    ControlCharacter,
    NotUtf8,
    TooDeep,

    // the record is JSON, but not what the columns take
    WrongType,
    UnknownKey,
}

/// <summary>The first thing that was found wrong, and where. Parsing methods return null after they set it.</summary>
internal sealed unsafe class JsonFault
{
    private static readonly SearchValues<byte> TokenEnds = SearchValues.Create(" ,]}\r\n\t"u8);

    /// <summary>What is wrong.</summary>
    public JsonProblem Problem { get; private set; }

    /// <summary>Where.</summary>
    public byte* At { get; private set; }

    /// <summary>The column concerned, if any.</summary>
    public JsonColumn? Column { get; private set; }

    /// <summary>Whether the record is JSON and only the columns do not take it.</summary>
    public bool IsOfColumns => Problem >= JsonProblem.WrongType;

    /// <summary>Notes what is wrong.</summary>
    /// <returns>Null, for the parsing method to return.</returns>
    public byte* Set(byte* at, JsonProblem problem, JsonColumn? column = null)
    {
        At = at;
        Problem = problem;
        Column = column;
        return null;
    }

    /// <summary>Says what is wrong and what to do.</summary>
    /// <param name="end">The end of the input.</param>
    public string Describe(byte* end)
    {
        var rest = new ReadOnlySpan<byte>(At, (int)Math.Min(Math.Max(end - At, 0), 64));
        if (rest.IsEmpty && Problem != JsonProblem.MissingRecord)
            return "The record is cut off: the input ends inside it.";
        var found = rest.IsEmpty ? "the end of the input" : DataFormatException.Show(Token(rest), 24);
        return Problem switch
        {
            JsonProblem.ExpectedValue => $"Expected a JSON value but found {found}.",
            JsonProblem.ExpectedKey => $"Expected a key in double quotes but found {found}.",
            JsonProblem.ExpectedColon => $"Expected ':' behind the key but found {found}.",
            JsonProblem.ExpectedCommaOrBrace => $"Expected ',' or '}}' behind the value but found {found}.",
            JsonProblem.ExpectedCommaOrBracket => $"Expected ',' or ']' behind the element but found {found}.",
            JsonProblem.ExpectedComma => $"Expected ',' between two records but found {found}.",
            JsonProblem.ExpectedObject => $"Expected an object as record but found {found}. Records of other kinds can be read with 'records: values'.",
            JsonProblem.MissingRecord => "A record must follow the comma. Remove the comma that is one too many.",
            JsonProblem.TrailingContent =>
                $"Expected the end of the line behind the record but found {found}. Several documents on a line can be read with 'layout: documents'.",
            JsonProblem.BadNumber => $"{found} is no JSON number (RFC 8259 section 6).",
            JsonProblem.BadLiteral => $"{found} is none of true, false and null.",
            JsonProblem.BadEscape => $"{found} starts with an escape that JSON does not have (RFC 8259 section 7).",
            JsonProblem.LoneSurrogate =>
                $"{found} is half of a surrogate pair, which is no Unicode character. Fix the type of the column as json to keep the text as it stands.",
            JsonProblem.ControlCharacter => $"A string holds the control character 0x{*At:x2}, or is never closed. Write control characters as escapes.",
            JsonProblem.NotUtf8 =>
                $"The bytes {Convert.ToHexStringLower(rest[..Math.Min(rest.Length, 4)])} are not UTF-8. Set 'encoding' to what the file is written in.",
            JsonProblem.TooDeep => $"The record is nested more than {JsonLexer.MaxDepth} levels deep, which is not supported.",
            JsonProblem.UnknownKey => $"The key {found} was not there when the columns were found out.",
            _ => $"The value {found} does not fit the type {Column!.Type}.",
        };
    }

    /// <summary>What a reader takes for one thing: a string, or everything up to the next comma, bracket or blank.</summary>
    private static ReadOnlySpan<byte> Token(ReadOnlySpan<byte> rest)
    {
        if (rest[0] is (byte)'{' or (byte)'}' or (byte)'[' or (byte)']' or (byte)',' or (byte)':')
            return rest[..1];
        var behind = rest[0] == '"' ? rest[1..].IndexOf((byte)'"') + 1 : rest[1..].IndexOfAny(TokenEnds);
        return behind < (rest[0] == '"' ? 1 : 0) ? rest : rest[..(behind + 1)];
    }
}
