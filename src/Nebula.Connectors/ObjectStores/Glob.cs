namespace Nebula.Connectors.ObjectStores;

/// <summary>Wildcards in paths: <c>*</c> and <c>?</c> stay within a folder, <c>**</c> crosses folders.</summary>
internal static class Glob
{
    /// <summary>Whether a path has wildcards.</summary>
    public static bool IsWildcard(string path) => path.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>Splits a wildcard into the folder before it and the rest.</summary>
    public static (string Root, string Pattern) Split(string pattern)
    {
        var path = pattern.Replace('\\', '/');
        var wildcard = path.AsSpan().IndexOfAny('*', '?');
        var slash = wildcard < 0 ? path.LastIndexOf('/') : path.LastIndexOf('/', wildcard);
        return slash < 0 ? (".", path) : (slash == 0 ? "/" : path[..slash], path[(slash + 1)..]);
    }

    /// <summary>Whether a relative path with forward slashes matches a wildcard.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> path)
    {
        // the usual greedy match with one place to come back to, once for * and once for **
        int p = 0, s = 0, starP = -1, starS = 0, deepP = -1, deepS = 0;
        while (s < path.Length)
        {
            if (p + 1 < pattern.Length && pattern[p] == '*' && pattern[p + 1] == '*')
            {
                p += p + 2 < pattern.Length && pattern[p + 2] == '/' ? 3 : 2;
                (deepP, deepS, starP) = (p, s, -1);
            }
            else if (p < pattern.Length && pattern[p] == '*')
                (starP, starS) = (++p, s);
            else if (p < pattern.Length && (pattern[p] == path[s] || (pattern[p] == '?' && path[s] != '/')))
            {
                p++;
                s++;
            }
            else if (starP >= 0 && path[starS] != '/')
                (p, s) = (starP, ++starS);
            else if (deepP >= 0)
                (p, s, starP) = (deepP, ++deepS, -1);
            else
                return false;
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }
}
