using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Reads <c>.env</c>: <c>NAME=value</c> per line, <c>export</c> allowed in front, <c>#</c> for comments. Single quotes keep a value as it is; in double quotes
/// <c>\n \r \t \" \\</c> are escapes. Nothing is expanded and no value spans lines.
/// </summary>
internal static class DotEnvFile
{
    private const string Export = "export ";

    /// <summary>Reads the variables; the last of several with one name holds.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="name">The file's name.</param>
    /// <exception cref="ConfigurationException">Lines are no assignments; all of them are listed.</exception>
    public static IReadOnlyDictionary<string, string> Read(string text, string name)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        var problems = new ConfigProblems(new Secrets());
        var number = 0;
        foreach (var raw in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = raw.Trim();
            if (line.IsEmpty || line[0] == '#')
                continue;
            if (line.StartsWith(Export, StringComparison.Ordinal))
                line = line[Export.Length..].TrimStart();
            var equals = line.IndexOf('=');
            // The line itself is not shown: a secret may stand in it.
            if (equals < 0 || !ConfigEnvironment.IsName(line[..equals].TrimEnd()))
                problems.Add(new SourceLocation(name, number), "This line is not NAME=value.");
            else if (Value(line[(equals + 1)..].TrimStart()) is { } value)
                variables[line[..equals].TrimEnd().ToString()] = value;
            else
                problems.Add(new SourceLocation(name, number), "The quote that opens here is not closed, or text follows it.");
        }
        problems.ThrowIfAny();
        return variables;
    }

    private static string? Value(ReadOnlySpan<char> text) => text switch
    {
        ['"', ..] => DoubleQuoted(text[1..]),
        ['\'', ..] => text[1..].IndexOf('\'') is >= 0 and var end && IsComment(text[(end + 2)..]) ? text[1..(end + 1)].ToString() : null,
        _ => WithoutComment(text).ToString(),
    };

    private static string? DoubleQuoted(ReadOnlySpan<char> text)
    {
        var value = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
                return IsComment(text[(i + 1)..]) ? value.ToString() : null;
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                value.Append(text[i]);
                continue;
            }
            i++;
            _ = text[i] switch
            {
                'n' => value.Append('\n'),
                'r' => value.Append('\r'),
                't' => value.Append('\t'),
                '"' or '\\' or '$' => value.Append(text[i]),
                _ => value.Append('\\').Append(text[i]),
            };
        }
        return null;
    }

    private static ReadOnlySpan<char> WithoutComment(ReadOnlySpan<char> text)
    {
        var comment = text.IndexOf(" #", StringComparison.Ordinal);
        return (comment < 0 ? text : text[..comment]).TrimEnd();
    }

    private static bool IsComment(ReadOnlySpan<char> rest) => rest.Trim() is [] or ['#', ..];
}
