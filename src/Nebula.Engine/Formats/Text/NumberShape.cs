namespace Nebula.Engine.Formats.Text;

/// <summary>What the text of a number looks like: enough to choose a type that holds it without loss.</summary>
/// <param name="Whole">Digits in front of the point.</param>
/// <param name="Fraction">Digits behind the point.</param>
/// <param name="Significant">Digits from the first to the last that is not zero; 0 for zero.</param>
/// <param name="HasExponent">Whether it is in scientific notation.</param>
/// <param name="IsNegative">Whether it starts with a minus.</param>
internal readonly record struct NumberShape(int Whole, int Fraction, int Significant, bool HasExponent, bool IsNegative)
{
    /// <summary>Reads the shape of a JSON number (RFC 8259 section 6): minus, digits without leading zeros, fraction, exponent.</summary>
    /// <returns>Whether the text is such a number.</returns>
    public static bool TryRead(ReadOnlySpan<byte> text, out NumberShape shape)
    {
        shape = default;
        var at = 0;
        var negative = text.Length > 0 && text[0] == '-';
        if (negative)
            at++;
        int first = -1, last = -1, digit = 0;
        var start = at;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++, digit++)
            Note(text[at]);
        var whole = at - start;
        if (whole == 0 || (whole > 1 && text[start] == '0'))
            return false;
        var fraction = 0;
        if (at < text.Length && text[at] == '.')
        {
            start = ++at;
            for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++, digit++)
                Note(text[at]);
            fraction = at - start;
            if (fraction == 0)
                return false;
        }
        var exponent = at < text.Length && text[at] is (byte)'e' or (byte)'E';
        if (exponent)
        {
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
                at++;
            start = at;
            while (at < text.Length && (uint)(text[at] - '0') <= 9)
                at++;
            if (at == start)
                return false;
        }
        shape = new NumberShape(whole, fraction, first < 0 ? 0 : last - first + 1, exponent, negative);
        return at == text.Length;

        void Note(byte c)
        {
            if (c == '0')
                return;
            if (first < 0)
                first = digit;
            last = digit;
        }
    }

    /// <summary>Whether two texts of numbers have the same value. Both must be numbers (the exponent may carry a plus).</summary>
    public static bool SameNumber(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        Span<byte> digitsA = stackalloc byte[800], digitsB = stackalloc byte[800];
        return Normalise(a, digitsA, out var lengthA, out var exponentA, out var negativeA)
            && Normalise(b, digitsB, out var lengthB, out var exponentB, out var negativeB)
            && negativeA == negativeB && lengthA == lengthB && (lengthA == 0 || exponentA == exponentB)
            && digitsA[..lengthA].SequenceEqual(digitsB[..lengthB]);
    }

    /// <summary>Takes a number apart: significant digits without zeros at either end, and the power of ten of the last one.</summary>
    private static bool Normalise(ReadOnlySpan<byte> text, Span<byte> digits, out int length, out long exponent, out bool negative)
    {
        length = 0;
        exponent = 0;
        negative = text.Length > 0 && text[0] == '-';
        var at = negative ? 1 : 0;
        var behindPoint = false;
        long fraction = 0;
        for (; at < text.Length && text[at] is not ((byte)'e' or (byte)'E'); at++)
        {
            if (text[at] == '.')
            {
                behindPoint = true;
                continue;
            }
            if (behindPoint)
                fraction++;
            if (length == 0 && text[at] == '0')
                continue;
            if (length == digits.Length)
                return false;
            digits[length++] = text[at];
        }
        if (at < text.Length)
        {
            var sign = 1;
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
                sign = text[at++] == '-' ? -1 : 1;
            for (; at < text.Length; at++)
            {
                exponent = exponent * 10 + (text[at] - '0');
                if (exponent > 1_000_000)
                    return false;
            }
            exponent *= sign;
        }
        exponent -= fraction;
        while (length > 0 && digits[length - 1] == '0')
        {
            length--;
            exponent++;
        }
        return true;
    }
}
