using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Compares a table as the log describes it with the plan of its stream and with the table as it is now. What the plan does not know ends it; what the log
/// does not tell yet or no more, though the table has it, is read from the table.
/// </summary>
/// <param name="streams">The streams.</param>
/// <param name="isBinary">Whether the log tells values in binary form.</param>
internal sealed class RelationMapper(IReadOnlyList<ChangedRows> streams, bool isBinary)
{
    private const string TypesQuery = """
        WITH RECURSIVE domains (domain, type, modifier) AS (
            SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
            UNION ALL
            SELECT d.domain, t.typbasetype, t.typtypmod FROM domains d JOIN pg_type t ON t.oid = d.type WHERE t.typtype = 'd')
        SELECT r.oid, r.modifier, t.oid, coalesce(d.modifier, r.modifier), t.typtype, coalesce(e.typarray = t.oid, false)
        FROM unnest($1, $2) AS r (oid, modifier)
        LEFT JOIN (SELECT d.* FROM domains d JOIN pg_type b ON b.oid = d.type WHERE b.typtype <> 'd') d ON d.domain = r.oid
        JOIN pg_type t ON t.oid = coalesce(d.type, r.oid) LEFT JOIN pg_type e ON e.oid = t.typelem
        """;

    private readonly Dictionary<uint, (PublishedRelation Relation, RelationMap? Map)> _known = [];
    private readonly Dictionary<(uint, int), PostgreSqlType> _types = [];

    /// <summary>Finds how rows of a table become rows of a stream.</summary>
    /// <param name="relation">The table as the log describes it.</param>
    /// <param name="connect">Gives a connection.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when no stream has them.</returns>
    /// <exception cref="SchemaChangedException">The plan does not know what the table has become.</exception>
    public async Task<RelationMap?> MapAsync(PublishedRelation relation, Func<Task<NpgsqlConnection>> connect, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(relation.Oid, out var known) && known.Relation.Name == relation.Name
            && known.Relation.Columns.AsSpan().SequenceEqual(relation.Columns.AsSpan()))
            return known.Map;
        var map = streams.FirstOrDefault(stream => stream.Table.Oid == relation.Oid) is { } rows
            ? await MapAsync(rows, relation, await connect().ConfigureAwait(false), cancellationToken).ConfigureAwait(false)
            : streams.FirstOrDefault(stream => stream.Table.Schema == relation.Schema && stream.Table.Name == relation.Name) is { } namesake
                ? new RelationMap(namesake, relation, [], [], []) { IsFormer = true } : null;
        _known[relation.Oid] = (relation, map);
        return map;
    }

    private async Task<RelationMap> MapAsync(ChangedRows rows, PublishedRelation relation, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // it may have been changed since it was looked up; one that is gone leaves what was known
        rows.Table = await CapturedTable.FindAsync(connection, relation.Oid, cancellationToken).ConfigureAwait(false) ?? rows.Table;
        await FindTypesAsync(
            connection, [.. relation.Columns.Select(static column => (column.Type, column.Modifier)),
                .. rows.Table.Columns.Select(static column => column.TypeId)], cancellationToken).ConfigureAwait(false);
        var planned = rows.Plan.Stream.Schema;
        foreach (var column in relation.Columns)
            if (planned.IndexOf(column.Name) < 0 && rows.Table.Find(column.Name) is { IsReadable: true } added)
                throw Changed(rows, $"column {SqlName.Quote(column.Name)} came", added.HasDefault);
        var sources = new int[rows.Columns.Length];
        for (var i = 0; i < sources.Length; i++)
            sources[i] = SourceOf(rows, i, relation);
        var table = rows.Table;
        var key = CapturedLog.SourceKey(rows.Plan);
        if (key.Count == 0 && table.Identity != 'f')
            key = [.. relation.Columns.Where(static column => column.IsKey).Select(static column => column.Name)];
        var finder = Positions(relation, table.KeyColumns.Select(static column => column.Name));
        return new RelationMap(rows, relation, sources, Positions(relation, key) ?? [], finder ?? []) { Binary = isBinary ? BinaryOf(rows, relation, sources) : null };
    }

    /// <summary>Finds how values of a table are read from a binary log.</summary>
    private PostgreSqlType?[] BinaryOf(ChangedRows rows, PublishedRelation relation, int[] sources)
    {
        var types = new PostgreSqlType?[relation.Columns.Length];
        for (var i = 0; i < types.Length; i++)
            types[i] = _types.GetValueOrDefault((relation.Columns[i].Type, relation.Columns[i].Modifier));
        for (var i = 0; i < sources.Length; i++)
            if (sources[i] >= 0 && (types[sources[i]] is not { } published || !BinaryValues.CanRead(rows.Columns[i].Field.Type, published)))
                throw new TextNeededException();
        return types;
    }

    /// <summary>Finds where a column of the stream stands; -1 where its values are read from the table.</summary>
    private int SourceOf(ChangedRows rows, int index, PublishedRelation relation)
    {
        var name = rows.Plan.Columns[index].SourceName;
        var position = relation.IndexOf(name);
        var now = rows.Table.Find(name);
        var (wire, field) = rows.Columns[index];
        if (position < 0)
            return now is not null ? -1 : throw Changed(rows, $"column {SqlName.Quote(name)} is gone or has another name", existing: false);
        var published = _types.GetValueOrDefault((relation.Columns[position].Type, relation.Columns[position].Modifier));
        if (CanRead(wire, field.Type, published))
            return position;
        return now is not null && CanRead(wire, field.Type, _types.GetValueOrDefault(now.TypeId)) ? -1
            : throw Changed(rows, $"column {SqlName.Quote(name)} became {published?.Type.ToString() ?? "another type"} instead of {field.Type}",
                !IsWider(field.Type, published?.Type));
    }

    /// <summary>Whether the text of values of a type is read exactly into a column.</summary>
    private static bool CanRead(PostgreSqlWire wire, DataType type, PostgreSqlType? published)
    {
        var form = TextForms.Of(wire, type);
        if (form == TextForm.Text && type.Kind == TypeKind.String)
            return true;
        if (published is null)
            return false;
        return published.Wire == wire && published.Type.Equals(type) || form switch
        {
            TextForm.Int64 => published.Wire is PostgreSqlWire.Int4 or PostgreSqlWire.Int2,
            TextForm.Int32 => published.Wire is PostgreSqlWire.Int2,
            TextForm.Text => published.Type.Kind == TypeKind.Json && published.Wire != PostgreSqlWire.ToJson,
            TextForm.Decimal64 or TextForm.Decimal128 => published.Type.Kind == TypeKind.Decimal && published.Type.Scale <= type.Scale
                && published.Type.Precision - published.Type.Scale <= type.Precision - type.Scale,
            _ => false,
        };
    }

    private static bool IsWider(DataType planned, DataType? published) => published is not null && (planned.Kind, published.Kind) switch
    {
        (TypeKind.Int16, TypeKind.Int32 or TypeKind.Int64) or (TypeKind.Int32, TypeKind.Int64) or (TypeKind.Float32, TypeKind.Float64) => true,
        (TypeKind.Decimal, TypeKind.Decimal) => published.Scale == planned.Scale && published.Precision > planned.Precision,
        _ => false,
    };

    private static int[]? Positions(PublishedRelation relation, IEnumerable<string> columns)
    {
        var positions = columns.Select(relation.IndexOf).ToArray();
        return positions.AsSpan().Contains(-1) ? null : positions;
    }

    private static SchemaChangedException Changed(ChangedRows rows, string what, bool existing) => new(rows.Index,
        $"Table {rows.Plan.Stream.Name} was changed: {what}. It is planned anew."
        + (existing ? " Rows that were there may have got other values by that, which the log does not tell: read the stream anew if they matter." : ""));

    private async Task FindTypesAsync(NpgsqlConnection connection, List<(uint Oid, int Modifier)> types, CancellationToken cancellationToken)
    {
        types = [.. types.Distinct().Where(type => !_types.ContainsKey(type))];
        if (types.Count == 0)
            return;
        await using var command = new NpgsqlCommand(TypesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = types.Select(static type => type.Oid).ToArray(),
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Oid
        });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. types.Select(static type => type.Modifier)] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            _types[(reader.GetFieldValue<uint>(0), reader.GetInt32(1))] = PostgreSqlType.Of(
                new CatalogType(reader.GetFieldValue<uint>(2), reader.GetInt32(3), reader.GetChar(4), reader.GetBoolean(5)), asText: false);
    }
}
