namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Takes the quotes off a field.</summary>
internal static unsafe class CsvQuotes
{
    /// <summary>What is wrong with a field whose closing quote is not its end.</summary>
    public const string TextBehindQuote = "there is text behind the closing quote. Double the quotes that belong to the value, or set 'quote: none' if quotes are ordinary characters in this file";

    /// <summary>Writes the content of a quoted field.</summary>
    /// <param name="field">The field, from its opening quote on.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="quote">The quote.</param>
    /// <param name="escape">What makes a quote ordinary.</param>
    /// <param name="target">Takes the content, which is never longer than the field.</param>
    /// <returns>Bytes of the content; -1 when the closing quote is not the field's end.</returns>
    public static int Unquote(byte* field, int length, byte quote, byte escape, byte* target)
    {
        if (length < 2)
            return -1;
        var content = new ReadOnlySpan<byte>(field + 1, length - 2);
        if (field[length - 1] == quote && (escape == quote ? content.IndexOf(quote) : content.IndexOfAny(quote, escape)) < 0)
        {
            content.CopyTo(new Span<byte>(target, content.Length));
            return content.Length;
        }
        var written = 0;
        for (var i = 1; i < length; i++)
        {
            var c = field[i];
            if (c == escape && i + 1 < length && (escape == quote ? field[i + 1] == quote : i + 1 < length))
            {
                // an escape in front of anything but a quote or itself is an ordinary character
                if (field[i + 1] != quote && field[i + 1] != escape)
                    target[written++] = c;
                target[written++] = field[++i];
            }
            else if (c == quote)
                return i == length - 1 ? written : -1;
            else
                target[written++] = c;
        }
        return -1;
    }
}
