using System.Buffers;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>What the bytes that cannot stand in a JSON string are written as: the short form where there is one, else <c>\u00xx</c>.</summary>
internal static class JsonEscapes
{
    private static readonly byte[][] Texts = [.. Enumerable.Range(0, '\\' + 1).Select(Render)];

    /// <summary>The bytes that cannot stand in a JSON string (RFC 8259 section 7).</summary>
    public static SearchValues<byte> Escaped { get; } = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(static c => (byte)c), (byte)'"', (byte)'\\']);

    /// <summary>The escape of one of them.</summary>
    public static ReadOnlySpan<byte> Of(byte c) => Texts[c];

    private static byte[] Render(int c) => System.Text.Encoding.ASCII.GetBytes(c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\\u{c:x4}"),
    });
}
