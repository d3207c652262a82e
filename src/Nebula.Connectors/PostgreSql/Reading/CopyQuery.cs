using System.Globalization;
using System.Text;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Writes the statement that reads a chunk.</summary>
internal static class CopyQuery
{
    /// <summary>Writes the statement.</summary>
    /// <param name="plan">The columns.</param>
    /// <param name="chunk">The rows.</param>
    public static string Of(StreamPlan plan, TableChunk chunk)
    {
        var sql = Start(plan);
        // children by inheritance are streams of their own; partitions belong to their root
        sql.Append(" FROM ").Append(chunk.Kind == 'r' ? "ONLY " : "").Append(SqlName.Quote(chunk.Schema, chunk.Name)).Append(" AS t");
        if (chunk.FirstBlock is { } first)
            sql.Append(CultureInfo.InvariantCulture, $" WHERE t.ctid >= '({first},0)'::tid");
        if (chunk.EndBlock is { } end)
            sql.Append(CultureInfo.InvariantCulture, $" AND t.ctid < '({end},0)'::tid");
        return sql.Append(") TO STDOUT (FORMAT binary)").ToString();
    }

    /// <summary>Writes the start of a statement that copies columns, up to where they come from; the table is called t.</summary>
    /// <param name="plan">The columns.</param>
    public static StringBuilder Start(StreamPlan plan)
    {
        var sql = new StringBuilder("COPY (SELECT ");
        var columns = TableDetails.Columns(plan);
        for (var i = 0; i < columns.Length; i++)
        {
            var name = "t." + SqlName.Quote(plan.Columns[i].SourceName);
            sql.Append(i > 0 ? ", " : "").Append(columns[i].Wire switch
            {
                PostgreSqlWire.Cast => $"{name}::text",
                // concat takes null for empty, and IS NULL means something else for composites
                PostgreSqlWire.Printed => $"CASE WHEN num_nulls({name}) = 0 THEN concat({name}) END",
                PostgreSqlWire.ToJson => $"to_json({name})::text",
                _ => name,
            });
        }
        return sql;
    }
}
