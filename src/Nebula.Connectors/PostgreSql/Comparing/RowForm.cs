using System.Collections.Immutable;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>
/// Writes the hash of a row as SQL: the first 64 bits of SHA-256 over the texts of its columns, in UTF-8, with bars between. Null is <c>\N</c>; a backslash in
/// a text is doubled, and a bar is <c>\p</c>, so that no two rows have the same text.
/// </summary>
internal static class RowForm
{
    /// <summary>The name of the form: that of <see cref="ColumnForm"/>, <see cref="KeyForm"/> and this.</summary>
    public const string Name = "nebula-postgresql-1";

    /// <summary>The form of a document that the target stores as <c>jsonb</c>, and so without its blanks and the order of its members.</summary>
    public const string Jsonb = "jsonb";

    private const string Null = @"'\N'";

    // functions take a hundred arguments
    private const int MostArguments = 50;

    /// <summary>Writes the hash.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="placeOf">Where the value of a column is; null where the table has no such column.</param>
    public static string Hash(StreamPlan plan, ImmutableArray<HashedColumn> columns, Func<int, ColumnForm.Place?> placeOf)
    {
        var texts = columns.Select(column => placeOf(column.Position) is { } place ? $"coalesce({Escaped(plan, column, place)}, {Null})" : Null);
        return $"('x' || encode(substring(sha256(convert_to({Joined(texts)}, 'UTF8')) FOR 8), 'hex'))::bit(64)::int8";
    }

    /// <summary>Writes texts with bars between.</summary>
    /// <param name="texts">The texts, escaped.</param>
    public static string Joined(IEnumerable<string> texts)
    {
        var groups = texts.Chunk(MostArguments).Select(static group => $"concat_ws('|', {string.Join(", ", group)})").ToList();
        return groups.Count == 1 ? groups[0] : Joined(groups);
    }

    /// <summary>Writes the text of a column in which bars are told from those between columns.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="column">The column.</param>
    /// <param name="place">Where its value is.</param>
    public static string Escaped(StreamPlan plan, HashedColumn column, ColumnForm.Place place)
    {
        var text = ColumnForm.Of(plan, column.Position, place);
        if (column.Form == Jsonb)
            text = $"({text})::jsonb::text";
        return ColumnForm.IsFreeText(plan.Columns[column.Position].Field.Type) ? $@"replace(replace({text}, '\', '\\'), '|', '\p')" : text;
    }
}
