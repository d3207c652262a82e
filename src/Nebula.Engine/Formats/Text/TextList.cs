using System.Text;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// Keeps a list of texts in one text: in details of streams and descriptions of chunks, where only text travels. Any text can be an item, also an empty one.
/// </summary>
internal static class TextList
{
    // the unit separator of ASCII, which people do not write; where one occurs all the same it is written "\u", and a backslash twice
    private const char Separator = '\u001f', Escape = '\\';

    /// <summary>Renders a list: every item with a separator behind it.</summary>
    public static string Render(IEnumerable<string> items)
    {
        var text = new StringBuilder();
        foreach (var item in items)
        {
            foreach (var c in item)
                _ = c switch
                {
                    Separator => text.Append(Escape).Append('u'),
                    Escape => text.Append(Escape).Append(Escape),
                    _ => text.Append(c),
                };
            text.Append(Separator);
        }
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static IReadOnlyList<string> Parse(string text)
    {
        var items = new List<string>();
        var item = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == Separator)
            {
                items.Add(item.ToString());
                item.Clear();
            }
            else if (text[i] == Escape && i + 1 < text.Length)
                item.Append(text[++i] == 'u' ? Separator : text[i]);
            else
                item.Append(text[i]);
        }
        return items;
    }
}
