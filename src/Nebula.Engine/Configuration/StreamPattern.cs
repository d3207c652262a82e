using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>A key of <c>streams</c>: a name, or a wildcard with <c>*</c> (any text) and <c>?</c> (any one character). Case counts.</summary>
public sealed class StreamPattern
{
    internal StreamPattern(string text, SourceLocation location, ConfigMap settings, int index)
    {
        (Text, Location, Settings) = (text, location, settings);
        IsWildcard = text.AsSpan().ContainsAny('*', '?');
        // Names before wildcards, more literal characters before fewer, fewer stars before more, later in the file before earlier.
        Rank = (IsWildcard ? 0 : 1, text.Length - text.AsSpan().Count('*') - text.AsSpan().Count('?'), -text.AsSpan().Count('*'), index);
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary>Where it stands.</summary>
    public SourceLocation Location { get; }

    /// <summary>Whether it can match more than one name.</summary>
    public bool IsWildcard { get; }

    internal ConfigMap Settings { get; }

    /// <summary>How specific it is: of two patterns that match, the greater one wins.</summary>
    internal (int IsName, int Literals, int Stars, int Index) Rank { get; }

    /// <summary>Whether a name matches.</summary>
    /// <param name="name">The name.</param>
    public bool Matches(string name) => IsWildcard ? Matches(Text, name) : Text == name;

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
