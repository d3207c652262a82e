using System.Text;
using System.Text.RegularExpressions;

namespace Nebula.Functions.Triggers;

/// <summary>A pattern of container and blob name: <c>{name}</c> and <c>*</c> stand for any part of one name, <c>?</c> for a character, <c>**</c> for anything
/// with folders.</summary>
internal static class BlobPattern
{
    /// <summary>Whether a path fits a pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="path">Container and name, joined by a slash.</param>
    public static bool Matches(string pattern, string path)
    {
        var text = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
            switch (pattern[i])
            {
                case '{' when pattern.IndexOf('}', i) is > 0 and var end:
                    text.Append("[^/]+");
                    i = end;
                    break;
                case '*' when i + 1 < pattern.Length && pattern[i + 1] == '*':
                    text.Append(".*");
                    i++;
                    break;
                case '*':
                    text.Append("[^/]*");
                    break;
                case '?':
                    text.Append("[^/]");
                    break;
                default:
                    text.Append(Regex.Escape(pattern[i].ToString()));
                    break;
            }
        // blob names may have line breaks, and come from outside: no backtracking
        return Regex.IsMatch(path, text.Append("\\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }
}
