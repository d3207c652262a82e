using Nebula.Connectors.PostgreSql.Relations;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>What a stream's details say about its relation.</summary>
internal static class TableDetails
{
    private const string SchemaKey = "schema";
    private const string NameKey = "table";
    private const string KindKey = "kind";
    private const string WireKey = "wire";
    private const string DeclaredKey = "types";
    private const string DeclaredSeparator = " | ";
    private const string StatementKind = "statement";

    /// <summary>Writes the details.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="types">How its columns are read.</param>
    /// <param name="columns">Its columns.</param>
    public static Dictionary<string, string> Render(Relation relation, IEnumerable<PostgreSqlType> types, IEnumerable<RelationColumn> columns) => new()
    {
        [SchemaKey] = relation.Schema,
        [NameKey] = relation.Name,
        [KindKey] = relation.KindName,
        [WireKey] = string.Join(' ', types.Select(static type => type.Wire.ToString())),
        [DeclaredKey] = string.Join(DeclaredSeparator, columns.Select(static column => column.Declared)),
    };

    /// <summary>Writes the details of a statement.</summary>
    /// <param name="types">How its columns are read.</param>
    /// <param name="columns">Its columns.</param>
    public static Dictionary<string, string> RenderStatement(IEnumerable<PostgreSqlType> types, IEnumerable<RelationColumn> columns) => new()
    {
        [KindKey] = StatementKind,
        [WireKey] = string.Join(' ', types.Select(static type => type.Wire.ToString())),
        [DeclaredKey] = string.Join(DeclaredSeparator, columns.Select(static column => column.Declared)),
    };

    /// <summary>All rows of a stream.</summary>
    /// <param name="plan">The stream.</param>
    public static TableChunk RowsOf(StreamPlan plan) => plan.Sql is not null ? new TableChunk("", "", TableChunk.Statement)
        : new TableChunk(NameOf(plan.Stream).Schema, NameOf(plan.Stream).Name, Relation.KindOf(plan.Stream.Details[KindKey]));

    /// <summary>Schema and name of the stream's relation.</summary>
    /// <param name="stream">The stream.</param>
    public static (string Schema, string Name) NameOf(CatalogStream stream) => (stream.Details[SchemaKey], stream.Details[NameKey]);

    /// <summary>The types of the stream's columns as its table declares them; null when it is none of PostgreSQL.</summary>
    /// <param name="stream">The stream.</param>
    public static string[]? DeclaredOf(CatalogStream stream) =>
        // names may hold the separator too, which must not shift the types
        stream.Details.ContainsKey(WireKey) && stream.Details.TryGetValue(DeclaredKey, out var declared)
        && declared.Split(DeclaredSeparator) is var types && types.Length == stream.Schema.Fields.Length ? types : null;

    /// <summary>Whether all columns are wanted as the server prints them, which it then does for whole rows at once.</summary>
    /// <param name="plan">The plan.</param>
    public static bool IsPrinted(StreamPlan plan)
    {
        // in a row of one column null would be an empty line
        const int FewestColumns = 2;
        return plan.Columns.Length >= FewestColumns && plan.Columns.All(static column => column.Field.Type.Kind == TypeKind.String)
            && Columns(plan) is var columns && columns.All(static column => column.Field.Type.Kind == TypeKind.String && column.Wire != PostgreSqlWire.ToJson)
            && columns.Any(static column => column.Wire is PostgreSqlWire.Cast or PostgreSqlWire.Printed);
    }

    /// <summary>The type of a column as the stream's table declares it; null when it is none of PostgreSQL.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="column">Position of the column in the plan.</param>
    public static string? DeclaredOf(StreamPlan plan, int column) => DeclaredOf(plan.Stream) is { } types
        && plan.Stream.Schema.IndexOf(plan.Columns[column].SourceName) is >= 0 and var position ? types[position] : null;

    /// <summary>How a column is asked of the server; null when it is not one of a table of PostgreSQL.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="column">Position of the column in the plan.</param>
    public static PostgreSqlWire? WireOf(StreamPlan plan, int column) =>
        plan.Stream.Details.ContainsKey(WireKey) && plan.Stream.Schema.IndexOf(plan.Columns[column].SourceName) >= 0
            ? Column(plan, Wires(plan), column).Wire : null;

    /// <summary>How the columns of a plan are asked of the server, and what they are before they are converted to what the plan wants.</summary>
    /// <param name="plan">The plan.</param>
    public static ReadColumn[] Columns(StreamPlan plan)
    {
        var wires = Wires(plan);
        var columns = new ReadColumn[plan.Columns.Length];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = Column(plan, wires, i);
        return columns;
    }

    private static string[] Wires(StreamPlan plan) => plan.Stream.Details[WireKey].Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static ReadColumn Column(StreamPlan plan, string[] wires, int column)
    {
        var position = plan.Stream.Schema.IndexOf(plan.Columns[column].SourceName);
        var wire = Enum.Parse<PostgreSqlWire>(wires[position]);
        var found = plan.Stream.Schema.Fields[position];
        var wanted = plan.Columns[column].Field;
        // text comes from the server itself: it also prints what the type here cannot hold
        var printed = wanted.Type.Kind == TypeKind.String && found.Type.Kind is not (TypeKind.String or TypeKind.Bool);
        return new ReadColumn(printed && wire != PostgreSqlWire.ToJson ? PostgreSqlWire.Cast : wire,
            new Field(wanted.Name, printed ? DataType.String : found.Type, found.Nullable));
    }
}

/// <summary>A column as it is read.</summary>
/// <param name="Wire">How it is asked of the server.</param>
/// <param name="Field">What it is before it is converted to what the plan wants.</param>
internal sealed record ReadColumn(PostgreSqlWire Wire, Field Field);
