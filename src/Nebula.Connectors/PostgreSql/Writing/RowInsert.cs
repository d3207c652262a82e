using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Writes the statements that bring staged rows into their table.</summary>
/// <param name="design">The columns.</param>
/// <param name="target">The table.</param>
/// <param name="staged">The staging table.</param>
/// <param name="order">The order in which its rows came from the source.</param>
internal sealed class RowInsert(TableDesign design, TargetTable target, TargetTable staged, StagedOrder order)
{
    private string Columns => string.Join(", ", design.Columns.Select(static column => SqlName.Quote(column.Name)));

    private string Values => string.Join(", ", design.Columns.Select(column =>
        TableDesign.Cast(column.Name, staged.Column(column.Name)!.Type, target.Column(column.Name)!.Type, "s") + " AS " + SqlName.Quote(column.Name)));

    /// <summary>Adds all rows.</summary>
    public string InsertSql => $"INSERT INTO {target.Name.Sql} ({Columns}) SELECT {Values} FROM {staged.Name.Sql} s";

    /// <summary>Adds rows with new keys, and gives the others new values. Of rows with the same key the last in the source counts.</summary>
    /// <param name="isUnique">Whether the table has an index by which rows of the same key are found.</param>
    public string MergeSql(bool isUnique)
    {
        var key = design.KeyColumns("");
        var last = $"SELECT DISTINCT ON ({key}) * FROM (SELECT {Values}, {order.Columns("s")} FROM {staged.Name.Sql} s{order.Join("s")}) d "
            + $"ORDER BY {key}, {StagedOrder.LastFirst}";
        return MergeSql(design, target, last, isUnique);
    }

    /// <summary>Deletes rows of the table, called t, that are not staged; or marks them as deleted by a change that the log has not told.</summary>
    /// <param name="condition">The condition that they meet.</param>
    /// <param name="deletes">What deletes do.</param>
    public string DeleteMissingSql(string condition, DeleteHandling deletes)
    {
        var same = string.Join(" AND ", design.Key.Select(name => $"t.{SqlName.Quote(name)} = "
            + TableDesign.Cast(name, staged.Column(name)!.Type, target.Column(name)!.Type, "s")));
        var missing = $"{condition} AND NOT EXISTS (SELECT FROM {staged.Name.Sql} s WHERE {same})";
        return deletes == DeleteHandling.Hard ? $"DELETE FROM {target.Name.Sql} t WHERE {missing}"
            : $"UPDATE {target.Name.Sql} t SET {ChangeColumns.Operation} = '{ChangeColumns.Delete}', "
                + $"{ChangeColumns.Position} = '{ChangeColumns.SnapshotPosition}', {ChangeColumns.CommittedAt} = NULL "
                + $"WHERE {missing} AND t.{ChangeColumns.Operation} IS DISTINCT FROM '{ChangeColumns.Delete}'";
    }

    /// <summary>Merges rows that have all columns of a design, each key once.</summary>
    /// <param name="design">The columns.</param>
    /// <param name="target">The table.</param>
    /// <param name="rows">The query of the rows.</param>
    /// <param name="isUnique">Whether the table has an index by which rows of the same key are found.</param>
    public static string MergeSql(TableDesign design, TargetTable target, string rows, bool isUnique)
    {
        var columns = string.Join(", ", design.Columns.Select(static column => SqlName.Quote(column.Name)));
        var others = design.Columns.Select(static column => column.Name).Except(design.Key).Select(SqlName.Quote).ToList();
        var key = design.KeyColumns("");
        if (isUnique)
            return $"INSERT INTO {target.Name.Sql} ({columns}) SELECT {columns} FROM ({rows}) s ON CONFLICT ({key}) DO "
                + (others.Count == 0 ? "NOTHING" : $"UPDATE SET {string.Join(", ", others.Select(static name => $"{name} = excluded.{name}"))}");
        var same = string.Join(" AND ", design.Key.Select(static name => $"t.{SqlName.Quote(name)} = s.{SqlName.Quote(name)}"));
        var update = others.Count == 0 ? ""
            : $", u AS (UPDATE {target.Name.Sql} t SET {string.Join(", ", others.Select(static name => $"{name} = s.{name}"))} FROM s WHERE {same})";
        return $"WITH s AS MATERIALIZED ({rows}){update} INSERT INTO {target.Name.Sql} ({columns}) "
            + $"SELECT {columns} FROM s WHERE NOT EXISTS (SELECT FROM {target.Name.Sql} t WHERE {same})";
    }
}
