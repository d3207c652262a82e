using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Functions.Invocation;

/// <summary>
/// One value of an invocation's envelope. The host turns everything that is no JSON object into a JSON string that holds the JSON text of the value, so that a
/// text arrives quoted twice; its documentation shows the same values quoted once. Both are read.
/// </summary>
/// <param name="json">The value as it stands in the envelope.</param>
internal readonly struct EnvelopeValue(ReadOnlyMemory<byte> json)
{
    /// <summary>How deep a document may be nested.</summary>
    public const int MaxDepth = 256;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    /// <summary>The text that is meant, in UTF-8: the content of a string, the JSON text of anything else. Null for a null.</summary>
    /// <exception cref="DataFormatException">The text is damaged.</exception>
    public byte[]? ToUtf8()
    {
        var reader = new Utf8JsonReader(json.Span, ReaderOptions);
        reader.Read();
        try
        {
            return reader.TokenType switch
            {
                JsonTokenType.Null => null,
                JsonTokenType.String => Inner(Unescape(ref reader)),
                _ => json.ToArray(),
            };
        }
        catch (InvalidOperationException e)
        {
            throw new DataFormatException($"A text of the invocation is damaged: {DataFormatException.Show(json.Span)}.", inner: e);
        }
    }

    /// <summary>The text that is meant: the content of a string, the JSON text of anything else. Null for a null.</summary>
    public string? ToText() => ToUtf8() is { } text ? Encoding.UTF8.GetString(text) : null;

    /// <summary>The value as JSON: an object as it is, anything else as what its text says. Null when the text is no JSON.</summary>
    public JsonElement? ToJson() => ToUtf8() is { } text ? TryParse(text) : null;

    /// <summary>Parses a text; null when it is no JSON.</summary>
    /// <param name="text">The text in UTF-8.</param>
    public static JsonElement? TryParse(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Takes off the second pair of quotes, if there is one.</summary>
    private static byte[]? Inner(byte[] text)
    {
        // objects are never quoted twice, and base64 never looks like JSON: only a string, a number or null is left
        if (text.Length == 0 || text[0] is not ((byte)'"' or (byte)'n'))
            return text;
        try
        {
            var reader = new Utf8JsonReader(text, ReaderOptions);
            if (!reader.Read() || reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                return text;
            var value = reader.TokenType == JsonTokenType.Null ? null : Unescape(ref reader);
            return reader.Read() ? text : value;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return text;
        }
    }

    private static byte[] Unescape(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
            return reader.ValueSpan.ToArray();
        var text = new byte[reader.ValueSpan.Length];
        return text[..reader.CopyString(text)];
    }
}
