using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Types;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A table whose changes are captured, as it is now.</summary>
/// <param name="Oid">Its number, which stays when it is renamed.</param>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>pg_class.relkind</c>.</param>
/// <param name="Identity"><c>pg_class.relreplident</c>: d for the primary key, i for an index, f for all columns, n for nothing.</param>
internal sealed record CapturedTable(uint Oid, string Schema, string Name, char Kind, char Identity)
{
    private const char AllColumns = 'f';

    private const string TableQuery = """
        SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.relpersistence,
               (SELECT l.relid::regclass::text FROM pg_partition_tree(c.oid) l JOIN pg_class p ON p.oid = l.relid
                WHERE l.isleaf AND NOT (p.relreplident = 'f'
                    OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.oid
                        AND CASE p.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END))
                LIMIT 1)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = coalesce($1, to_regclass($2)::oid)
        """;

    // of what identifies rows: the index named for it, else the primary key
    private const string ColumnsQuery = """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '', a.atthasmissing OR a.atthasdef, a.atttypid, a.atttypmod,
               has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])),
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisreplident AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
        FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """;

    /// <summary>Its columns.</summary>
    public ImmutableArray<CapturedColumn> Columns { get; private init; } = [];

    /// <summary>A partition of which updates and deletes could not be logged; null when there is none, or it is the table itself.</summary>
    public string? WithoutIdentity { get; private init; }

    /// <summary>Whether changes of it are in the log at all.</summary>
    public bool IsLogged { get; private init; }

    /// <summary>The columns that the log tells of a row that is changed or goes.</summary>
    public IEnumerable<CapturedColumn> IdentityColumns =>
        Columns.Where(column => Identity switch { AllColumns => true, 'd' => column.IsPrimaryKey, 'i' => column.IsInIdentityIndex, _ => false });

    /// <summary>The columns that a row can be found by; none when there is no key.</summary>
    public IEnumerable<CapturedColumn> KeyColumns =>
        Identity == 'i' ? Columns.Where(static column => column.IsInIdentityIndex) : Columns.Where(static column => column.IsPrimaryKey);

    /// <summary>The table in SQL.</summary>
    public string Sql => SqlName.Quote(Schema, Name);

    /// <summary>Looks a table up by its name.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="schema">Its schema.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when there is none.</returns>
    public static Task<CapturedTable?> FindAsync(NpgsqlConnection connection, string schema, string name, CancellationToken cancellationToken) =>
        LookUpAsync(connection, null, SqlName.Quote(schema, name), cancellationToken);

    /// <summary>Looks a table up by its number.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="oid">Its number.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when there is none.</returns>
    public static Task<CapturedTable?> FindAsync(NpgsqlConnection connection, uint oid, CancellationToken cancellationToken) =>
        LookUpAsync(connection, oid, "", cancellationToken);

    private static async Task<CapturedTable?> LookUpAsync(NpgsqlConnection connection, uint? oid, string name, CancellationToken cancellationToken)
    {
        CapturedTable table;
        await using (var command = new NpgsqlCommand(TableQuery, connection))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)oid ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                return null;
            table = new CapturedTable(reader.GetFieldValue<uint>(0), reader.GetString(1), reader.GetString(2), reader.GetChar(3), reader.GetChar(4))
            {
                IsLogged = reader.GetChar(5) == 'p',
                WithoutIdentity = reader.IsDBNull(6) ? null : reader.GetString(6),
            };
        }
        var columns = ImmutableArray.CreateBuilder<CapturedColumn>();
        await using (var command = new NpgsqlCommand(ColumnsQuery, connection))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = table.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                columns.Add(new CapturedColumn(reader.GetString(0), reader.GetString(1))
                {
                    IsGenerated = reader.GetBoolean(2),
                    HasDefault = reader.GetBoolean(3),
                    TypeId = (reader.GetFieldValue<uint>(4), reader.GetInt32(5)),
                    IsReadable = reader.GetBoolean(6),
                    IsPrimaryKey = reader.GetBoolean(7),
                    IsInIdentityIndex = reader.GetBoolean(8),
                });
        }
        return table with { Columns = columns.ToImmutable() };
    }

    /// <summary>Finds a column.</summary>
    /// <param name="name">Its name.</param>
    public CapturedColumn? Find(string name) => Columns.FirstOrDefault(column => column.Name == name);

    /// <summary>Says why the changes of the table cannot be captured by a key, and what to do; null when they can.</summary>
    /// <param name="key">The columns that identify a row at the destination; none when rows are only added there.</param>
    public string? FindFault(IReadOnlyList<string> key)
    {
        if (Kind is not ('r' or 'p'))
            return $"{Schema}.{Name} is no table, and only tables have changes. Read it in another mode.";
        if (!IsLogged)
            return $"Table {Schema}.{Name} is unlogged or temporary: its changes are not in the log. ALTER TABLE {Sql} SET LOGGED; or read it in another mode.";
        var identity = IdentityColumns.Select(static column => column.Name).ToList();
        // a publication would make the owner's updates and deletes fail
        if (identity.Count == 0 || WithoutIdentity is not null)
        {
            var (who, sql) = WithoutIdentity is { } leaf && leaf != Sql && Kind == 'p' ? ($"Partition {leaf}", leaf) : ($"Table {Schema}.{Name}", Sql);
            return $"{who} has nothing that identifies its rows, so that updates and deletes cannot be logged, and would fail once it is published. "
                + $"ALTER TABLE {sql} ADD PRIMARY KEY (…); or ALTER TABLE {sql} REPLICA IDENTITY FULL;";
        }
        var missing = key.Where(column => !identity.Contains(column)).ToList();
        return missing.Count == 0 ? null : $"The log tells the columns {string.Join(", ", identity)} of rows of {Schema}.{Name} that are changed or go, but "
            + "the key of the stream has "
            + $"{string.Join(", ", missing)} too. ALTER TABLE {Sql} REPLICA IDENTITY FULL; or choose another 'primary_key'.";
    }
}

/// <summary>A column of a captured table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as SQL writes it.</param>
internal sealed record CapturedColumn(string Name, string Type)
{
    /// <summary>Number and modifier of its type.</summary>
    public (uint Oid, int Modifier) TypeId { get; init; }

    /// <summary>Whether the role may read it.</summary>
    public bool IsReadable { get; init; }

    /// <summary>Whether its values are computed from others.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>Whether rows may have got a value when it was added.</summary>
    public bool HasDefault { get; init; }

    /// <summary>Whether it is in the primary key.</summary>
    public bool IsPrimaryKey { get; init; }

    /// <summary>Whether it is in the index that was named as replica identity.</summary>
    public bool IsInIdentityIndex { get; init; }
}
