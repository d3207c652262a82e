using System.Text.Encodings.Web;

namespace Nebula.Orchestration;

/// <summary>
/// Escapes what JSON demands (RFC 8259, 7) and nothing else. The runtime's own encoders make tables of all characters before the first is written, which
/// takes longer than all documents of a small run.
/// </summary>
internal sealed unsafe class PlainJsonEncoder : JavaScriptEncoder
{
    private const int LongestEscape = 6;

    private PlainJsonEncoder()
    {
    }

    /// <summary>The only one.</summary>
    public static PlainJsonEncoder Instance { get; } = new();

    /// <inheritdoc/>
    public override int MaxOutputCharactersPerInputCharacter => LongestEscape;

    /// <inheritdoc/>
    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < ' ' or '"' or '\\';

    /// <inheritdoc/>
    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        for (var i = 0; i < textLength; i++)
            if (WillEncode(text[i]))
                return i;
            else if (char.IsSurrogate(text[i]))
            {
                // half of a pair is replaced, which is done where escapes are
                if (i + 1 == textLength || !char.IsSurrogatePair(text[i], text[i + 1]))
                    return i;
                i++;
            }
        return -1;
    }

    /// <inheritdoc/>
    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        for (var i = 0; i < utf8Text.Length; i++)
            if (utf8Text[i] > 0x7f)
                return base.FindFirstCharacterToEncodeUtf8(utf8Text);
            else if (WillEncode(utf8Text[i]))
                return i;
        return -1;
    }

    /// <inheritdoc/>
    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var letter = unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => 'u',
        };
        numberOfCharactersWritten = letter == 'u' ? LongestEscape : 2;
        if (bufferLength < numberOfCharactersWritten)
        {
            numberOfCharactersWritten = 0;
            return false;
        }
        buffer[0] = '\\';
        buffer[1] = letter;
        for (var i = 2; i < numberOfCharactersWritten; i++)
            buffer[i] = "0123456789ABCDEF"[unicodeScalar >> (4 * (LongestEscape - 1 - i)) & 0xf];
        return true;
    }
}
