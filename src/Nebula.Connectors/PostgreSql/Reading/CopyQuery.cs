using System.Globalization;
using System.Text;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Writes the statement that reads a chunk.</summary>
internal static class CopyQuery
{
    /// <summary>What rows are called in conditions.</summary>
    public const string Alias = "t";

    /// <summary>Writes the statement.</summary>
    /// <param name="plan">The columns.</param>
    /// <param name="chunk">The rows.</param>
    public static string Of(StreamPlan plan, TableChunk chunk)
    {
        var isPrinted = TableDetails.IsPrinted(plan);
        return Start(plan, isPrinted).Append(" FROM ").Append(RowsOf(plan, chunk))
            .Append(isPrinted ? ") TO STDOUT (FORMAT csv)" : ") TO STDOUT (FORMAT binary)").ToString();
    }

    /// <summary>Writes the start of a statement that copies columns, up to where they come from; the table is called t.</summary>
    /// <param name="plan">The columns.</param>
    /// <param name="isPrinted">Whether the whole rows are printed.</param>
    public static StringBuilder Start(StreamPlan plan, bool isPrinted = false)
    {
        var sql = new StringBuilder("COPY (SELECT ");
        var columns = TableDetails.Columns(plan);
        for (var i = 0; i < columns.Length; i++)
        {
            var name = ColumnOf(plan.Columns[i].SourceName);
            sql.Append(i > 0 ? ", " : "").Append(columns[i].Wire switch
            {
                _ when isPrinted => name,
                PostgreSqlWire.Cast => $"{name}::text",
                // concat takes null for empty, and IS NULL means something else for composites
                PostgreSqlWire.Printed => $"CASE WHEN num_nulls({name}) = 0 THEN concat({name}) END",
                PostgreSqlWire.ToJson => $"to_json({name})::text",
                _ => name,
            });
        }
        return sql;
    }

    /// <summary>A column in conditions and lists.</summary>
    /// <param name="name">The column.</param>
    public static string ColumnOf(string name) => $"{Alias}.{SqlName.Quote(name)}";

    /// <summary>What stands behind <c>FROM</c> for the rows of a chunk, its conditions included.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="chunk">The rows.</param>
    /// <param name="condition">One more condition; null for none.</param>
    public static string RowsOf(StreamPlan plan, TableChunk chunk, string? condition = null)
    {
        var sql = new StringBuilder();
        if (plan.Sql is { } statement)
            sql.Append(SqlStatement.Rows(statement, chunk.After));
        else
            // children by inheritance are streams of their own; partitions belong to their root
            sql.Append(chunk.Kind == 'r' ? "ONLY " : "").Append(SqlName.Quote(chunk.Schema, chunk.Name));
        sql.Append(" AS " + Alias);
        var link = " WHERE ";
        if (chunk.FirstBlock is { } first)
            Add(string.Create(CultureInfo.InvariantCulture, $"{Alias}.ctid >= '({first},0)'::tid"));
        if (chunk.EndBlock is { } end)
            Add(string.Create(CultureInfo.InvariantCulture, $"{Alias}.ctid < '({end},0)'::tid"));
        Add(chunk.Condition);
        Add(condition);
        // on a line of its own: it may end with a comment
        Add(plan.Where is { } where ? $"({where}\n)" : null);
        return sql.ToString();

        void Add(string? part)
        {
            if (part is null)
                return;
            sql.Append(link).Append(part);
            link = " AND ";
        }
    }
}
