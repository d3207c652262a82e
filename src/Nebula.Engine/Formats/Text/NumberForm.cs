namespace Nebula.Engine.Formats.Text;

/// <summary>Numbers in which another character than the point stands in front of the fraction, or one between groups of three digits: <c>1.234,5</c>.</summary>
/// <param name="point">What stands in front of the fraction.</param>
/// <param name="group">What stands between groups of three digits; null for nothing.</param>
internal sealed unsafe class NumberForm(byte point, byte? group)
{
    /// <summary>Longest text that may be a number.</summary>
    public const int MaxLength = 384;

    private const int GroupDigits = 3;

    /// <summary>Writes a number as Nebula's parsers read it. What is none stays what it is, or becomes nothing.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length.</param>
    /// <param name="target">Takes the number: room for <see cref="MaxLength"/> bytes.</param>
    /// <returns>Its length; 0 where the text is no number of this form.</returns>
    public int Normalize(byte* p, int length, byte* target)
    {
        if (length > MaxLength)
            return 0;
        var count = 0;
        var digits = 0;
        var isWhole = true;
        var isGrouped = false;
        for (var i = 0; i < length; i++)
        {
            var c = p[i];
            if (isWhole && c == group)
            {
                if (isGrouped ? digits != GroupDigits : digits is 0 or > GroupDigits)
                    return 0;
                isGrouped = true;
                digits = 0;
                continue;
            }
            if (c == point || c is (byte)'e' or (byte)'E')
            {
                if (!isWhole && c == point || isGrouped && isWhole && digits != GroupDigits)
                    return 0;
                isWhole = false;
                c = c == point ? (byte)'.' : c;
            }
            else if (c == '.')
                return 0;
            else if (char.IsAsciiDigit((char)c))
                digits++;
            target[count++] = c;
        }
        return isGrouped && isWhole && digits != GroupDigits ? 0 : count;
    }
}

/// <summary>Numbers of another form than Nebula's.</summary>
/// <param name="form">The form.</param>
/// <param name="inner">Reads them in Nebula's form.</param>
internal readonly unsafe struct NumberFormParser<T, TInner>(NumberForm form, TInner inner) : IValueParser<T>
    where T : unmanaged
    where TInner : struct, IValueParser<T>
{
    public bool TryParse(byte* p, int length, out T value)
    {
        var text = stackalloc byte[NumberForm.MaxLength + Columns.BufferPool.Padding];
        var count = form.Normalize(p, length, text);
        value = default;
        return count > 0 && inner.TryParse(text, count, out value);
    }
}

/// <summary>Casts of texts with numbers of another form than Nebula's.</summary>
/// <param name="form">The form.</param>
/// <param name="inner">Casts texts with numbers in Nebula's form.</param>
internal sealed unsafe class NumberFormMap<T>(NumberForm form, ITextMap<T> inner) : ITextMap<T> where T : unmanaged
{
    public int Map(byte* p, int length, out T result)
    {
        var text = stackalloc byte[NumberForm.MaxLength + Columns.BufferPool.Padding];
        var count = form.Normalize(p, length, text);
        result = default;
        return count == 0 ? Verdict.DoesNotFit : inner.Map(text, count, out result);
    }
}
