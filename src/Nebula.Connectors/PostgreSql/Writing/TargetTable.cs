using System.Collections.Immutable;
using System.Data;
using Nebula.Connectors.PostgreSql.Types;
using Npgsql;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>A column of a table that is written to.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
internal sealed record TargetColumn(string Name, SqlType Type);

/// <summary>A table that is written to, as the catalog has it.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Columns">Its columns.</param>
internal sealed record TargetTable(uint Oid, TableName Name, ImmutableArray<TargetColumn> Columns)
{
    private const string BaseTypes = """
        LEFT JOIN LATERAL (
            WITH RECURSIVE d (oid, base, modifier, below) AS (
                SELECT t.oid, t.typbasetype, m.modifier, t.typtypmod FROM pg_type t WHERE t.oid = m.oid
                UNION ALL SELECT t.oid, t.typbasetype, d.below, t.typtypmod FROM d JOIN pg_type t ON t.oid = d.base)
            SELECT oid, modifier FROM d WHERE base = 0) b ON true
        LEFT JOIN pg_type t ON t.oid = b.oid
        """;

    private const string ColumnsQuery = $"""
        SELECT c.oid, c.relkind, c.relpersistence, m.name, format_type(m.oid, m.modifier), t.typname, t.typreceive::text, b.modifier, t.typcategory, pg_has_role(c.relowner, 'USAGE'),
               has_schema_privilege(n.oid, 'CREATE')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN LATERAL (SELECT attnum AS number, attname AS name, atttypid AS oid, atttypmod AS modifier FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) m ON true
        {BaseTypes}
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind NOT IN ('i', 'I', 't', 'c')
        ORDER BY m.number
        """;

    private const string TypesQuery = $"""
        SELECT m.oid IS NOT NULL, t.typname, t.typreceive::text, t.typcategory
        FROM (SELECT ordinality AS number, to_regtype(nullif(name, ''))::oid AS oid, -1 AS modifier FROM unnest($1::text[]) WITH ORDINALITY AS u (name, ordinality)) m
        {BaseTypes}
        ORDER BY m.number
        """;

    // what a new table made like it would not have, and what would stay with the old one
    private const string PlainQuery = """
        SELECT c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident = 'd' AND c.reltablespace = 0 AND c.reloftype = 0 AND c.reloptions IS NULL
           AND NOT c.relispartition AND NOT c.relhassubclass AND NOT c.relhasrules AND NOT c.relhastriggers
           AND NOT c.relrowsecurity AND NOT c.relforcerowsecurity
           AND c.relowner = s.relowner AND c.relam = s.relam AND c.relacl IS NOT DISTINCT FROM s.relacl
           AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
           AND NOT EXISTS (SELECT FROM pg_description d WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0)
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND (a.attacl IS NOT NULL OR a.attidentity <> ''
               OR EXISTS (SELECT FROM unnest(a.attoptions) o WHERE starts_with(o, 'n_distinct'))
               OR a.attnum > 0 AND coalesce(a.attstattarget, -1) <> -1))
           AND NOT EXISTS (SELECT FROM pg_index i LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid
               JOIN pg_class x ON x.oid = i.indexrelid
               WHERE i.indrelid = c.oid AND (i.indisclustered OR NOT i.indisvalid OR d.objoid IS NOT NULL OR x.reltablespace <> 0))
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype AND d.deptype = 'n')
           AND NOT EXISTS (
               SELECT FROM pg_depend d
               WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND NOT (
                   d.classid = 'pg_type'::regclass AND d.deptype = 'i' OR d.classid = 'pg_attrdef'::regclass
                   OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class o WHERE o.oid = d.objid AND o.relkind IN ('i', 't'))
                   OR d.classid = 'pg_constraint'::regclass AND EXISTS (
                       SELECT FROM pg_constraint o WHERE o.oid = d.objid AND o.conrelid = c.oid AND o.contype IN ('p', 'u', 'c', 'n')
                           AND NOT EXISTS (SELECT FROM pg_description x WHERE x.classoid = 'pg_constraint'::regclass AND x.objoid = o.oid))))
        FROM pg_class c, pg_class s WHERE c.oid = $1 AND s.oid = $2
        """;

    /// <summary><c>pg_class.relkind</c>.</summary>
    public char Kind { get; private init; }

    /// <summary>Whether it is in the log of the server, and so outlives a crash.</summary>
    public bool IsLogged { get; private init; }

    /// <summary>Whether the role owns it, or has the rights of who does: only then it can be changed.</summary>
    public bool IsOwned { get; private init; }

    /// <summary>Whether the role may put another table in its place.</summary>
    public bool IsReplaceable { get; private init; }

    /// <summary>Finds a table, or what else has its name.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when there is none.</returns>
    public static async Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ColumnsQuery, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Name });
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.Default, cancellationToken).ConfigureAwait(false);
        TargetTable? found = null;
        var columns = ImmutableArray.CreateBuilder<TargetColumn>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            found ??= new TargetTable(reader.GetFieldValue<uint>(0), name, []) 
            {
                Kind = reader.GetChar(1),
                IsLogged = reader.GetChar(2) == 'p',
                IsOwned = reader.GetBoolean(9),
                IsReplaceable = reader.GetBoolean(9) && reader.GetBoolean(10),
            };
            if (!reader.IsDBNull(3))
                columns.Add(new TargetColumn(reader.GetString(3), new SqlType(reader.GetString(4), reader.GetString(5), reader.GetString(6), reader.GetInt32(7))
                {
                    Category = reader.GetChar(8),
                }));
        }
        return found is null ? null : found with { Columns = columns.ToImmutable() };
    }

    /// <summary>Finds types by their names.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="names">As SQL writes them; null for none.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>For each the type; null where the database has none of that name.</returns>
    public static async Task<SqlType?[]> FindTypesAsync(NpgsqlConnection connection, string?[] names, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(TypesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = names, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.Default, cancellationToken).ConfigureAwait(false);
        var found = new SqlType?[names.Length];
        for (var i = 0; await reader.ReadAsync(cancellationToken).ConfigureAwait(false); i++)
            found[i] = names[i] is { } name && reader.GetBoolean(0) && !reader.IsDBNull(1)
                ? new SqlType(name, reader.GetString(1), reader.GetString(2), SqlType.ModifierOf(name)) { Category = reader.GetChar(3) } : null;
        return found;
    }

    /// <summary>Whether another table can take the place of this one, and nobody could tell them apart: nothing else in the database hangs on it.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="other">The other table, made like this one.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public async Task<bool> IsPlainAsync(NpgsqlConnection connection, TargetTable other, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(PlainQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = Oid, NpgsqlDbType = NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter { Value = other.Oid, NpgsqlDbType = NpgsqlDbType.Oid });
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }

    /// <summary>Finds a column.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Null when there is none.</returns>
    public TargetColumn? Column(string name) => Columns.FirstOrDefault(column => column.Name == name);
}
