using System.Globalization;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Writes the statements that apply changes which lie in a window table.</summary>
/// <param name="design">The columns of the target.</param>
/// <param name="target">The target.</param>
/// <param name="window">The window table, as SQL writes it.</param>
/// <param name="windowTypes">The types of the window table's columns.</param>
/// <param name="deletes">What deletes do.</param>
/// <param name="isUnique">Whether the target has an index by which rows of the same key are found.</param>
internal sealed class ChangeStatements(
    TableDesign design, TargetTable target, string window, IReadOnlyDictionary<string, SqlType> windowTypes, DeleteHandling deletes, bool isUnique)
{
    /// <summary>The column of the window table that numbers the changes.</summary>
    public const string Number = "_nebula_number";

    private readonly string _key = design.KeyColumns("");
    private readonly string _changes = $"(SELECT {Number}, {string.Join(", ", design.Columns
        .Select(column => $"{TableDesign.Cast(column.Name, windowTypes[column.Name], target.Column(column.Name)!.Type, "w")} AS {SqlName.Quote(column.Name)}")
        .Concat(windowTypes.Keys.Except(design.Columns.Select(static column => column.Name))
            .Select(static name => "w." + SqlName.Quote(name))))} FROM {window} w)";

    /// <summary>The statement that makes the window table.</summary>
    /// <param name="window">Its name, as SQL writes it.</param>
    /// <param name="types">The types of its columns.</param>
    public static string CreateWindowSql(string window, IReadOnlyDictionary<string, SqlType> types) =>
        $"CREATE TEMP TABLE {window} ({Number} int, "
        + string.Join(", ", types.Select(static column => $"{SqlName.Quote(column.Key)} {column.Value.Text}")) + ") ON COMMIT DELETE ROWS";

    /// <summary>Whether a row can be made of what a delete tells of it: its key.</summary>
    public bool TakesMarks { get; init; }

    /// <summary>The statement that adds changes as they are.</summary>
    public string Add => $"INSERT INTO {target.Name.Sql} ({string.Join(", ", design.Columns.Select(static column => SqlName.Quote(column.Name)))}) "
        + $"SELECT {string.Join(", ", design.Columns.Select(static column => SqlName.Quote(column.Name)))} FROM {_changes} c ORDER BY {Number}";

    /// <summary>The statements that apply a segment.</summary>
    /// <param name="segment">The segment, whose rows are in the window table.</param>
    public IEnumerable<string> Apply(ChangeSegment segment)
    {
        var hasGone = segment.HasDeletes && deletes != DeleteHandling.Ignore;
        if (hasGone && deletes == DeleteHandling.Hard)
            yield return $"DELETE FROM {target.Name.Sql} t USING ({Last("")}) s "
                + $"WHERE s.{ChangeColumns.Operation} = '{ChangeColumns.Delete}' AND {Same("t", "s")}";
        // a row that came and went is there when deletes only mark rows, whether it was applied in between or not
        var left = !segment.HasDeletes ? Last("")
            : deletes == DeleteHandling.Hard ? $"SELECT * FROM ({Last("")}) l WHERE {ChangeColumns.Operation} <> '{ChangeColumns.Delete}'"
            : Last($" WHERE {ChangeColumns.Operation} <> '{ChangeColumns.Delete}'");
        yield return RowInsert.MergeSql(design, target, WithUnchanged(left, segment), isUnique);
        if (!hasGone || deletes != DeleteHandling.Soft)
            yield break;
        yield return $"UPDATE {target.Name.Sql} t SET {string.Join(", ", ChangeColumns.Written.Select(static field => $"{field.Name} = s.{field.Name}"))} "
            + $"FROM ({Last("")}) s WHERE s.{ChangeColumns.Operation} = '{ChangeColumns.Delete}' AND {Same("t", "s")}";
        // a row that never came leaves its mark too
        var columns = string.Join(", ", design.Columns.Select(static column => SqlName.Quote(column.Name)));
        if (TakesMarks)
            yield return $"INSERT INTO {target.Name.Sql} ({columns}) SELECT {columns} FROM ({Last("")}) s WHERE s.{ChangeColumns.Operation} = "
                + $"'{ChangeColumns.Delete}' AND NOT EXISTS (SELECT FROM {target.Name.Sql} t WHERE {Same("t", "s")})";
    }

    /// <summary>The statement that marks all rows as gone.</summary>
    /// <param name="position">Where in the log.</param>
    /// <param name="committedAt">When, in microseconds since 1970; null when that is not known.</param>
    public string MarkAll(string position, long? committedAt)
    {
        var time = committedAt is { } microseconds
            ? string.Create(CultureInfo.InvariantCulture, $"timestamptz 'epoch' + {microseconds} * interval '1 microsecond'") : "NULL";
        return $"UPDATE {target.Name.Sql} SET {ChangeColumns.Operation} = '{ChangeColumns.Delete}', {ChangeColumns.Position} = {StateTable.Literal(position)}, "
            + $"{ChangeColumns.CommittedAt} = {time} WHERE {ChangeColumns.Operation} IS DISTINCT FROM '{ChangeColumns.Delete}'";
    }

    private string Last(string condition) => $"SELECT DISTINCT ON ({_key}) * FROM {_changes} c{condition} ORDER BY {_key}, {Number} DESC";

    private string Same(string one, string other) =>
        string.Join(" AND ", design.Key.Select(name => $"{one}.{SqlName.Quote(name)} = {other}.{SqlName.Quote(name)}"));

    /// <summary>Fills in what changes left as it was: from an earlier change of the same row, else from the target.</summary>
    private string WithUnchanged(string rows, ChangeSegment segment)
    {
        var unchanged = design.Columns.Where(column => segment.Unchanged.Contains(column.Index)).ToList();
        if (unchanged.Count == 0)
            return rows;
        var values = design.Columns.Select(column =>
        {
            var name = SqlName.Quote(column.Name);
            return !unchanged.Contains(column) ? $"l.{name}"
                : $"CASE WHEN NOT ({IsUnchanged("l", column)}) THEN l.{name} "
                    + $"WHEN {Earlier(column)}.{Number} IS NOT NULL THEN {Earlier(column)}.{name} ELSE t.{name} END AS {name}";
        });
        var joins = unchanged.Select(column =>
            $" LEFT JOIN (SELECT DISTINCT ON ({_key}) {_key}, {SqlName.Quote(column.Name)}, {Number} FROM {_changes} c "
            + $"WHERE {ChangeColumns.Operation} <> '{ChangeColumns.Delete}' AND NOT ({IsUnchanged("c", column)}) "
            + $"ORDER BY {_key}, {Number} DESC) {Earlier(column)} ON {Same(Earlier(column), "l")}");
        return $"SELECT {string.Join(", ", values)} FROM ({rows}) l{string.Concat(joins)} LEFT JOIN {target.Name.Sql} t ON {Same("t", "l")}";
    }

    private static string Earlier(DesignColumn column) => string.Create(CultureInfo.InvariantCulture, $"e{column.Index}");

    private static string IsUnchanged(string alias, DesignColumn column)
    {
        var bits = $"{alias}.{ChangeColumns.Unchanged}";
        return string.Create(
            CultureInfo.InvariantCulture, $"coalesce(CASE WHEN length({bits}) > {column.Index / 8} THEN get_bit({bits}, {column.Index}) END = 1, false)");
    }
}
