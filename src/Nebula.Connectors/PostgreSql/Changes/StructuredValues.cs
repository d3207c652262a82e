using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Arrays and composites, which the log tells as text, as the JSON that the server makes of them for a snapshot.</summary>
internal static class StructuredValues
{
    private const int MostValues = 10_000;
    private const int MostBytes = 8 << 20;

    /// <summary>Turns a column into JSON.</summary>
    /// <param name="column">The values as text. It stays the caller's.</param>
    /// <param name="type">Their type as SQL writes it; null when the column is gone, and its values are left out.</param>
    /// <param name="connect">Gives a connection.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task<Column> ToJsonAsync(Column column, string? type, Func<Task<NpgsqlConnection>> connect, BufferPool pool,
        CancellationToken cancellationToken)
    {
        using var builder = new ColumnBuilder(pool, DataType.Json);
        var row = 0;
        while (row < column.Length)
        {
            var (values, end) = Take(column, row, type is null);
            if (values.Count > 0)
                await AppendAsync(builder, column, row, end, values, type!, await connect().ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            else
                for (var i = row; i < end; i++)
                    builder.AppendNull();
            row = end;
        }
        return builder.Build();
    }

    private static (List<string> Values, int End) Take(Column column, int row, bool asNull)
    {
        var values = new List<string>();
        var bytes = 0;
        for (; row < column.Length && values.Count < MostValues && bytes < MostBytes; row++)
            if (!asNull && !column.IsNull(row))
            {
                bytes += column.GetBytes(row).Length;
                values.Add(Encoding.UTF8.GetString(column.GetBytes(row)));
            }
        return (values, row);
    }

    private static async Task AppendAsync(
        ColumnBuilder builder, Column column, int row, int end, List<string> values, string type, NpgsqlConnection connection,
            CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT to_json(v::{type})::text FROM unnest($1) WITH ORDINALITY AS u (v, n) ORDER BY n", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = values.ToArray(), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        for (; row < end; row++)
            if (column.IsNull(row))
                builder.AppendNull();
            else
            {
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                builder.AppendBytes(Encoding.UTF8.GetBytes(reader.GetString(0)));
            }
    }
}
