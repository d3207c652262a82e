using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>
/// Finds the rows that are new by the greatest value of a column: at the start of a run it is looked up, and what is read lies between that of the run before
/// and it. Where rows are merged by a key, those with the last value are read again, as others may have come with the same; where they are added, they are not.
/// </summary>
internal static class IncrementalRead
{
    // between the column and the value of a position
    private const char Separator = '=';

    /// <summary>Finds how far a stream can be read now. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="rows">All rows of it.</param>
    /// <param name="from">What was committed before; null for nothing.</param>
    /// <returns>The column and its greatest value, as the database prints it.</returns>
    public static string FindPosition(WireConnection connection, StreamPlan plan, TableChunk rows, Checkpoint? from)
    {
        var cursor = CursorColumn.Find(connection, plan, rows);
        var last = ValueOf(plan, from);
        rows = rows with { After = last };
        var condition = And(last is null ? $"{cursor.Sql} IS NOT NULL" : $"{cursor.Sql} > {SqlName.Literal(last)}::{cursor.Type}", cursor.IsStep);
        // not max(), which some types that have an order do not have; an index answers both
        var query = $"SELECT {cursor.Sql}::text FROM {CopyQuery.RowsOf(plan, rows, condition)} ORDER BY {cursor.Sql} DESC LIMIT 1";
        var found = SqlStatement.Run(query, plan, rows.After, () => connection.Ask(query));
        return $"{cursor.Name}{Separator}{(found is [{ Values: [{ } greatest] }] ? greatest : last)}";
    }

    /// <summary>Finds the condition on the rows between two positions. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="rows">All rows of it.</param>
    /// <param name="from">What was committed before; null for nothing.</param>
    /// <param name="position">What <see cref="FindPosition"/> found.</param>
    /// <returns>The rows, less those that are not new.</returns>
    public static TableChunk Narrow(WireConnection connection, StreamPlan plan, TableChunk rows, Checkpoint? from, string position)
    {
        var cursor = CursorColumn.Find(connection, plan, rows);
        var last = ValueOf(plan, from);
        var end = ValueOf(plan, position) is { } value ? $"{cursor.Sql} <= {SqlName.Literal(value)}::{cursor.Type}" : "false";
        if (from is null)
            // the first read has also what no later one would find
            return rows with { Condition = $"({end} OR {cursor.Sql} IS NULL{(cursor.IsStep is { } isStep ? $" OR NOT {isStep}" : "")})" };
        var isNew = last is null || plan.Sql is { } statement && SqlStatement.AsksForValue(statement) ? $"{cursor.Sql} IS NOT NULL"
            : $"{cursor.Sql} {(plan.Write == WriteMode.Merge || cursor.Lookback is not null ? ">=" : ">")} {cursor.Before(last)}";
        return rows with { Condition = And(isNew, end), After = last };
    }

    private static string? ValueOf(StreamPlan plan, Checkpoint? from) => from is null ? null : ValueOf(plan, from.Position);

    private static string? ValueOf(StreamPlan plan, string position)
    {
        var name = plan.Cursor!.Column + Separator;
        if (position.Length > 0 && !position.StartsWith(name, StringComparison.Ordinal))
            throw NebulaException.Configuration($"{plan.Stream.Name} was read up to {position.Split(Separator)[0]} before, not by \"{plan.Cursor.Column}\". "
                + "Forget what was read ('nebula state' says how), or set 'update_key' back.");
        return position.Length > name.Length ? position[name.Length..] : null;
    }

    private static string And(string first, string? second) => second is null ? first : $"{first} AND {second}";
}
