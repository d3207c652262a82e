using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Text;

/// <summary>UUIDs as text: five groups of lower-case hexadecimal digits, 36 bytes (RFC 9562 section 4).</summary>
internal static unsafe class UuidText
{
    /// <summary>Bytes of the text.</summary>
    public const int Length = 36;

    private static ReadOnlySpan<byte> Hex => "0123456789abcdef"u8;

    /// <summary>Writes the text of 16 bytes.</summary>
    /// <param name="p">Where to.</param>
    /// <param name="value">The 16 bytes.</param>
    /// <returns>Behind the text.</returns>
    public static byte* Write(byte* p, byte* value)
    {
        var hex = Hex;
        for (var i = 0; i < 16; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                *p++ = (byte)'-';
            *p++ = hex[value[i] >> 4];
            *p++ = hex[value[i] & 15];
        }
        return p;
    }

    /// <summary>Reads the text; digits of either case.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length; only <see cref="Length"/> is a UUID.</param>
    /// <param name="value">Where the 16 bytes go; undefined when the text is none.</param>
    public static bool TryParse(byte* p, int length, byte* value)
    {
        if (length != Length)
            return false;
        var wrong = 0;
        for (var i = 0; i < 16; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                wrong |= *p++ ^ '-';
            var high = Digit(*p++);
            var low = Digit(*p++);
            wrong |= (high | low) & ~15;
            value[i] = (byte)(high << 4 | low);
        }
        return wrong == 0;
    }

    /// <returns>0 to 15; anything else is no digit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Digit(byte c)
    {
        var decimalDigit = (uint)(c - '0');
        if (decimalDigit <= 9)
            return (int)decimalDigit;
        var letter = (uint)((c | 0x20) - 'a');
        return letter <= 5 ? (int)letter + 10 : 1 << 8;
    }
}
