using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>A key of <c>streams</c>: a name, or a wildcard with <c>*</c> (any text) and <c>?</c> (any one character). Case counts.</summary>
public sealed class StreamPattern
{
    private readonly int _literals;
    private readonly int _stars;

    internal StreamPattern(string text, SourceLocation location, ConfigMap settings, int index)
    {
        (Text, Location, Settings) = (text, location, settings);
        IsWildcard = text.AsSpan().ContainsAny('*', '?');
        Index = index;
        _stars = text.AsSpan().Count('*');
        _literals = text.Length - _stars - text.AsSpan().Count('?');
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary>Where it stands.</summary>
    public SourceLocation Location { get; }

    /// <summary>Whether it can match more than one name.</summary>
    public bool IsWildcard { get; }

    internal ConfigMap Settings { get; }

    /// <summary>Its position in the file, from 0.</summary>
    internal int Index { get; }

    /// <summary>Whether a name matches.</summary>
    /// <param name="name">The name.</param>
    public bool Matches(string name) => IsWildcard ? Matches(Text, name) : Text == name;

    /// <summary>
    /// Orders by how specific patterns are, the most specific last: names after wildcards, more literal characters after fewer, fewer stars after more, later
    /// in the file after earlier.
    /// </summary>
    /// <param name="a">A pattern.</param>
    /// <param name="b">Another.</param>
    internal static int CompareSpecificity(StreamPattern a, StreamPattern b)
    {
        var order = b.IsWildcard.CompareTo(a.IsWildcard);
        if (order == 0)
            order = a._literals.CompareTo(b._literals);
        if (order == 0)
            order = b._stars.CompareTo(a._stars);
        return order == 0 ? a.Index.CompareTo(b.Index) : order;
    }

    /// <summary>Whether a name matches a wildcard. Takes time in proportion to the product of the lengths at worst.</summary>
    /// <param name="pattern">The wildcard.</param>
    /// <param name="name">The name.</param>
    internal static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int at = 0, position = 0, star = -1, retry = 0;
        while (position < name.Length)
            if (at < pattern.Length && pattern[at] == '*')
                (star, retry) = (at++, position);
            else if (at < pattern.Length && (pattern[at] == '?' || pattern[at] == name[position]))
                (at, position) = (at + 1, position + 1);
            else if (star >= 0)
                (at, position) = (star + 1, ++retry);
            else
                return false;
        return pattern[at..].TrimStart('*').IsEmpty;
    }
}
