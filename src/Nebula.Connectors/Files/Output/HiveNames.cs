using System.Globalization;
using System.Text;

namespace Nebula.Connectors.Files.Output;

/// <summary>Names of partition folders as Apache Hive writes them: <c>country=DE</c>, special characters as <c>%XX</c>.</summary>
internal static class HiveNames
{
    /// <summary>What stands for null and for the empty text.</summary>
    public const string Null = "__HIVE_DEFAULT_PARTITION__";

    private const string Escaped = "\"#%'*/:=?\\\u007f{[]^<>|";

    /// <summary>Renders the name of a folder.</summary>
    /// <param name="key">The column.</param>
    /// <param name="value">Its value; null and empty are the same.</param>
    public static string Render(string key, string? value) => $"{Escape(key)}={(string.IsNullOrEmpty(value) ? Null : Escape(value))}";

    /// <summary>Takes a folder's name apart.</summary>
    /// <param name="folder">The name.</param>
    /// <returns>Column and value, which is null for null; null when the folder is none of a partition.</returns>
    public static (string Key, string? Value)? Parse(string folder)
    {
        var equals = folder.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            return null;
        var value = folder[(equals + 1)..];
        return (Unescape(folder[..equals]), value == Null ? null : Unescape(value));
    }

    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
            _ = c < ' ' || Escaped.Contains(c, StringComparison.Ordinal)
                ? escaped.Append('%').Append(((int)c).ToString("X2", CultureInfo.InvariantCulture))
                : escaped.Append(c);
        return escaped.ToString();
    }

    private static string Unescape(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '%' && i + 2 < text.Length
                && int.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            {
                plain.Append((char)code);
                i += 2;
            }
            else
                plain.Append(text[i]);
        return plain.ToString();
    }
}
