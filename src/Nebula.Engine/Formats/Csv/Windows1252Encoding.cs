using System.Text;

namespace Nebula.Engine.Formats.Csv;

/// <summary>
/// Windows code page 1252 as the WHATWG Encoding Standard defines it: Latin-1 with other characters at 0x80 to 0x9F, every byte valid. .NET has it only in a
/// package of tables.
/// </summary>
internal sealed class Windows1252Encoding : Encoding
{
    private const string High =
        "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F\u0090"
        + "\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

    public static Windows1252Encoding Instance { get; } = new();

    public override int GetByteCount(char[] chars, int index, int count) => count;

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
    {
        for (var i = 0; i < charCount; i++)
        {
            var c = chars[charIndex + i];
            var high = High.IndexOf(c, StringComparison.Ordinal);
            bytes[byteIndex + i] = high >= 0 ? (byte)(0x80 + high) : c < 256 ? (byte)c : (byte)'?';
        }
        return charCount;
    }

    public override int GetCharCount(byte[] bytes, int index, int count) => count;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        for (var i = 0; i < byteCount; i++)
        {
            var b = bytes[byteIndex + i];
            chars[charIndex + i] = b is >= 0x80 and < 0xA0 ? High[b - 0x80] : (char)b;
        }
        return byteCount;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount;
}
