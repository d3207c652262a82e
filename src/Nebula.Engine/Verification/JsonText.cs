namespace Nebula.Engine.Verification;

/// <summary>JSON without what carries no meaning.</summary>
internal static class JsonText
{
    /// <summary>What may stand between tokens.</summary>
    public static ReadOnlySpan<byte> WhiteSpace => " \t\r\n"u8;

    /// <summary>Copies a document without the white space between its tokens (RFC 8259, section 2).</summary>
    /// <param name="text">The document.</param>
    /// <param name="target">Takes the copy; as long as the document.</param>
    /// <returns>Length of the copy.</returns>
    public static int Compact(ReadOnlySpan<byte> text, Span<byte> target)
    {
        var length = 0;
        while (!text.IsEmpty)
        {
            var end = text.IndexOfAny(" \t\r\n\""u8);
            if (end < 0)
                end = text.Length;
            else if (text[end] == '"')
                end = EndOfString(text, end);
            text[..end].CopyTo(target[length..]);
            length += end;
            text = text[end..].TrimStart(WhiteSpace);
        }
        return length;
    }

    private static int EndOfString(ReadOnlySpan<byte> text, int quote)
    {
        for (var i = quote + 1; i < text.Length; i++)
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                return i + 1;
        return text.Length;
    }
}
