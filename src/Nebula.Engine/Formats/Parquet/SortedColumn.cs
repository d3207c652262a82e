using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Parquet;

/// <summary>A column that rows are sorted by.</summary>
/// <param name="Name">Name of its leaf, parts joined by dots.</param>
/// <param name="Descending">Whether values fall.</param>
/// <param name="NullsFirst">Whether nulls come first.</param>
internal sealed record SortedColumn(string Name, bool Descending = false, bool NullsFirst = false)
{
    private static readonly (string Ending, Func<SortedColumn, SortedColumn> Apply)[] Endings =
    [
        (" asc", static column => column),
        (" desc", static column => column with { Descending = true }),
        (" nulls first", static column => column with { NullsFirst = true }),
        (" nulls last", static column => column),
    ];

    /// <summary>Reads <c>name</c>, <c>name desc</c>, <c>name nulls first</c>, <c>name desc nulls last</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="location">Where it was written.</param>
    /// <exception cref="NebulaException">There is no name.</exception>
    public static SortedColumn Parse(string text, SourceLocation? location)
    {
        var name = text.Trim();
        var column = new SortedColumn(name);
        while (Array.Find(Endings, ending => name.EndsWith(ending.Ending, StringComparison.OrdinalIgnoreCase)) is { Ending: { } found, Apply: { } apply })
        {
            name = name[..^found.Length].TrimEnd();
            column = apply(column);
        }
        return name.Length > 0 ? column with { Name = name } : throw NebulaException.Configuration($"'{text}' names no column to be sorted by.", location);
    }
}
