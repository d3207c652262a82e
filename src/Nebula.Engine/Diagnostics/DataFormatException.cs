using System.Text;

namespace Nebula.Engine.Diagnostics;

/// <summary>The input does not follow the format or type it claims. Never transient: reading again gives the same bytes.</summary>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="location">Where it is.</param>
/// <param name="inner">The cause, for logs.</param>
public sealed class DataFormatException(string message, SourceLocation? location = null, Exception? inner = null)
    : NebulaException(ErrorKind.Data, message, location, inner)
{
    /// <summary>
    /// Renders bytes of the input for a message: as text where they are UTF-8, control characters escaped, cut after <paramref name="limit"/> characters.
    /// </summary>
    /// <param name="value">The bytes.</param>
    /// <param name="limit">Greatest number of characters shown.</param>
    public static string Show(ReadOnlySpan<byte> value, int limit = 80)
    {
        var text = Encoding.UTF8.GetString(value[..Math.Min(value.Length, limit * 4)]);
        var shown = new StringBuilder("'");
        foreach (var c in text)
        {
            if (shown.Length > limit)
                return shown.Append("…' (").Append(value.Length).Append(" bytes)").ToString();
            _ = c switch
            {
                '\n' => shown.Append("\\n"),
                '\r' => shown.Append("\\r"),
                '\t' => shown.Append("\\t"),
                < ' ' or '\u007f' => shown.Append("\\u").Append(((int)c).ToString("x4", System.Globalization.CultureInfo.InvariantCulture)),
                _ => shown.Append(c),
            };
        }
        return shown.Append('\'').ToString();
    }
}
