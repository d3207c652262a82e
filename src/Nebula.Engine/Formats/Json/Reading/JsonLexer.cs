using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// The tokens of RFC 8259. Every method takes the position of a token and returns the position behind it, or null after it set a fault. The input ends with a
/// zero byte that is not part of it: no token holds one, so nothing has to look out for the end.
/// </summary>
internal static unsafe class JsonLexer
{
    /// <summary>Most levels of arrays and objects; deeper is refused.</summary>
    public const int MaxDepth = 512;

    /// <summary>Skips blanks.</summary>
    /// <param name="p">Where.</param>
    /// <param name="newline">The line feed where it counts as a blank; a blank where records are lines.</param>
    public static byte* SkipBlanks(byte* p, byte newline)
    {
        while (*p is (byte)' ' or (byte)'\t' or (byte)'\r' || *p == newline)
            p++;
        return p;
    }

    /// <summary>Skips a number.</summary>
    public static byte* SkipNumber(byte* p, JsonFault fault)
    {
        var start = p;
        if (*p == '-')
            p++;
        if (*p == '0')
            p++;
        else if (!SkipDigits(ref p))
            return fault.Set(start, JsonProblem.BadNumber);
        if (*p == '.')
        {
            p++;
            if (!SkipDigits(ref p))
                return fault.Set(start, JsonProblem.BadNumber);
        }
        if ((*p | 0x20) == 'e')
        {
            p++;
            if (*p is (byte)'+' or (byte)'-')
                p++;
            if (!SkipDigits(ref p))
                return fault.Set(start, JsonProblem.BadNumber);
        }
        // a letter or digit right behind is part of what was meant to be a number
        return char.IsAsciiLetterOrDigit((char)*p) || *p is (byte)'.' or (byte)'+' or (byte)'-' ? fault.Set(start, JsonProblem.BadNumber) : p;
    }

    /// <summary>Skips true, false or null.</summary>
    public static byte* SkipLiteral(byte* p, JsonFault fault)
    {
        var length = *(uint*)p switch
        {
            't' | 'r' << 8 | 'u' << 16 | 'e' << 24 => 4,
            'n' | 'u' << 8 | 'l' << 16 | 'l' << 24 => 4,
            'f' | 'a' << 8 | 'l' << 16 | 's' << 24 when p[4] == 'e' => 5,
            _ => 0,
        };
        return length == 0 || char.IsAsciiLetterOrDigit((char)p[length]) ? fault.Set(p, JsonProblem.BadLiteral) : p + length;
    }

    /// <summary>Skips an escape. Halves of surrogate pairs pass.</summary>
    public static byte* SkipEscape(byte* p, JsonFault fault)
    {
        switch (p[1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                return p + 2;
            case (byte)'u' when Hex(p + 2) >= 0:
                return p + 6;
            default:
                return fault.Set(p, JsonProblem.BadEscape);
        }
    }

    /// <summary>Writes the character that an escape stands for, as UTF-8.</summary>
    /// <param name="p">The backslash of an escape that <see cref="SkipEscape"/> passed.</param>
    /// <param name="target">Where to; 4 bytes may be written.</param>
    /// <param name="fault">What is wrong: half of a surrogate pair.</param>
    public static byte* ResolveEscape(byte* p, ref byte* target, JsonFault fault)
    {
        var behind = p + 2;
        int rune = p[1] switch
        {
            (byte)'b' => '\b',
            (byte)'f' => '\f',
            (byte)'n' => '\n',
            (byte)'r' => '\r',
            (byte)'t' => '\t',
            _ => p[1],
        };
        if (rune == 'u')
        {
            behind = p + 6;
            rune = Hex(p + 2);
            if ((rune & 0xF800) == 0xD800)
            {
                if (rune >= 0xDC00 || p[6] != '\\' || p[7] != 'u' || Hex(p + 8) is not (>= 0xDC00 and <= 0xDFFF and var low))
                    return fault.Set(p, JsonProblem.LoneSurrogate);
                rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
                behind = p + 12;
            }
        }
        target += new System.Text.Rune(rune).EncodeToUtf8(new Span<byte>(target, 4));
        return behind;
    }

    /// <returns>-1 when these are no four hexadecimal digits.</returns>
    private static int Hex(byte* p)
    {
        var value = 0;
        for (var i = 0; i < 4; i++)
        {
            if (!char.IsAsciiHexDigit((char)p[i]))
                return -1;
            value = (value << 4) + (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
        }
        return value;
    }

    private static bool SkipDigits(ref byte* p)
    {
        var start = p;
        while ((uint)(*p - '0') <= 9)
            p++;
        return p != start;
    }
}

/// <summary>The tokens that run over strings.</summary>
/// <typeparam name="TKernel">How strings are scanned.</typeparam>
internal static unsafe class JsonLexer<TKernel> where TKernel : struct, IStringKernel
{
    /// <summary>Bytes up to the next comma, closing bracket, blank or control character: of a number, if it is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ScalarLength(byte* p)
    {
        var mask = TKernel.FindEnd(p);
        return mask != 0 ? BitOperations.TrailingZeroCount(mask) : LongScalarLength(p);
    }

    /// <summary>Whether a token is a number (RFC 8259 section 6); not all that are are known, those with exponents for one.</summary>
    /// <param name="p">The token.</param>
    /// <param name="length">Its length; see <see cref="ScalarLength"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlainNumber(byte* p, int length)
    {
        if (*p == '-')
        {
            p++;
            length--;
        }
        if (length <= 0 || length > TKernel.Width)
            return false;
        var others = TKernel.FindNoDigits(p) & Bits.Low(length);
        if (others == 0)
            return *p != '0' || length == 1;
        var point = BitOperations.TrailingZeroCount(others);
        return p[point] == '.' && (others & (others - 1)) == 0 && point > 0 && point < length - 1 && (*p != '0' || point == 1);
    }

    /// <summary>Skips the inside of a string.</summary>
    /// <param name="p">Behind the opening quote.</param>
    /// <param name="fault">What is wrong.</param>
    /// <param name="hasEscapes">Whether there are escapes.</param>
    /// <returns>The closing quote.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* SkipString(byte* p, JsonFault fault, out bool hasEscapes)
    {
        var mask = TKernel.Find(p);
        if (mask != 0)
        {
            var end = p + BitOperations.TrailingZeroCount(mask);
            if (*end == '"')
            {
                hasEscapes = false;
                return end;
            }
        }
        return SkipLongString(p, fault, out hasEscapes);
    }

    /// <summary>Skips a value of any kind and checks all of it.</summary>
    /// <param name="p">Its first byte.</param>
    /// <param name="newline">See <see cref="JsonLexer.SkipBlanks"/>.</param>
    /// <param name="depth">Levels around the value.</param>
    /// <param name="fault">What is wrong.</param>
    /// <param name="hasBlanks">Whether there are blanks between its tokens.</param>
    public static byte* SkipValue(byte* p, byte newline, int depth, JsonFault fault, out bool hasBlanks)
    {
        hasBlanks = false;
        // a bit per open level, set for objects
        var levels = stackalloc ulong[JsonLexer.MaxDepth / 64];
        var level = depth;
    Value:
        switch (*p)
        {
            case (byte)'"':
                if ((p = SkipString(p + 1, fault, out _)) == null)
                    return null;
                p++;
                break;
            case (byte)'{' or (byte)'[':
                if (level >= JsonLexer.MaxDepth)
                    return fault.Set(p, JsonProblem.TooDeep);
                var isObject = *p == '{';
                if (isObject)
                    levels[level >> 6] |= 1UL << (level & 63);
                else
                    levels[level >> 6] &= ~(1UL << (level & 63));
                level++;
                p = SkipBlanks(p + 1, newline, ref hasBlanks);
                if (*p == (isObject ? '}' : ']'))
                {
                    level--;
                    p++;
                    break;
                }
                if (isObject)
                    goto Key;
                goto Value;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                if ((p = JsonLexer.SkipNumber(p, fault)) == null)
                    return null;
                break;
            case (byte)'t' or (byte)'f' or (byte)'n':
                if ((p = JsonLexer.SkipLiteral(p, fault)) == null)
                    return null;
                break;
            default:
                return fault.Set(p, JsonProblem.ExpectedValue);
        }
    Behind:
        if (level == depth)
            return p;
        p = SkipBlanks(p, newline, ref hasBlanks);
        var inObject = (levels[(level - 1) >> 6] >> ((level - 1) & 63) & 1) != 0;
        if (*p == ',')
        {
            p = SkipBlanks(p + 1, newline, ref hasBlanks);
            if (inObject)
                goto Key;
            goto Value;
        }
        if (*p != (inObject ? '}' : ']'))
            return fault.Set(p, inObject ? JsonProblem.ExpectedCommaOrBrace : JsonProblem.ExpectedCommaOrBracket);
        level--;
        p++;
        goto Behind;
    Key:
        if (*p != '"')
            return fault.Set(p, JsonProblem.ExpectedKey);
        if ((p = SkipString(p + 1, fault, out _)) == null)
            return null;
        p = SkipBlanks(p + 1, newline, ref hasBlanks);
        if (*p != ':')
            return fault.Set(p, JsonProblem.ExpectedColon);
        p = SkipBlanks(p + 1, newline, ref hasBlanks);
        goto Value;
    }

    /// <summary>Copies a value that was checked, without the blanks between its tokens.</summary>
    /// <param name="target">Where to; as much space as the value has.</param>
    /// <param name="p">The value.</param>
    /// <param name="end">Behind it.</param>
    /// <param name="fault">Stays as it is.</param>
    /// <returns>Behind what was written.</returns>
    public static byte* CopyCompact(byte* target, byte* p, byte* end, JsonFault fault)
    {
        while (p < end)
        {
            if (*p == '"')
            {
                var behind = SkipString(p + 1, fault, out _) + 1;
                Unsafe.CopyBlockUnaligned(target, p, (uint)(behind - p));
                target += behind - p;
                p = behind;
            }
            else
            {
                if (*p > ' ')
                    *target++ = *p;
                p++;
            }
        }
        return target;
    }

    /// <summary>Writes the text of a string whose inside was checked, its escapes resolved.</summary>
    /// <param name="target">Where to; as much space as the string has, and <see cref="IStringKernel.Width"/> bytes more.</param>
    /// <param name="p">Behind the opening quote.</param>
    /// <param name="end">The closing quote.</param>
    /// <param name="fault">What is wrong: halves of surrogate pairs.</param>
    /// <returns>Behind what was written.</returns>
    public static byte* Unescape(byte* target, byte* p, byte* end, JsonFault fault)
    {
        while (true)
        {
            var mask = TKernel.Copy(target, p);
            if (mask == 0)
            {
                p += TKernel.Width;
                target += TKernel.Width;
                continue;
            }
            var plain = BitOperations.TrailingZeroCount(mask);
            p += plain;
            target += plain;
            if (p >= end)
                return target;
            if ((p = JsonLexer.ResolveEscape(p, ref target, fault)) == null)
                return null;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* SkipBlanks(byte* p, byte newline, ref bool hasBlanks)
    {
        if (*p > ' ')
            return p;
        hasBlanks = true;
        return JsonLexer.SkipBlanks(p, newline);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int LongScalarLength(byte* p)
    {
        var length = 0;
        while (TKernel.FindEnd(p + length) == 0)
            length += TKernel.EndWidth;
        return length + BitOperations.TrailingZeroCount(TKernel.FindEnd(p + length));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* SkipLongString(byte* p, JsonFault fault, out bool hasEscapes)
    {
        hasEscapes = false;
        while (true)
        {
            var mask = TKernel.Find(p);
            if (mask == 0)
            {
                p += TKernel.Width;
                continue;
            }
            p += BitOperations.TrailingZeroCount(mask);
            if (*p == '"')
                return p;
            if (*p != '\\')
                return fault.Set(p, JsonProblem.ControlCharacter);
            hasEscapes = true;
            if ((p = JsonLexer.SkipEscape(p, fault)) == null)
                return null;
        }
    }
}
