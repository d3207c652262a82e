using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>
/// Writes the text that a value has wherever it is stored, as SQL: it depends on the type that the column has on its way, not on the types that source and
/// target have for it, nor on the version of the server. How dates, numbers and bytes are printed is set for every session.
/// </summary>
internal static class ColumnForm
{
    /// <summary>Where a value comes from.</summary>
    /// <param name="Value">The value, as SQL.</param>
    /// <param name="Stored">The type of the column that it is in; null for the table that the stream is read from.</param>
    public readonly record struct Place(string Value, SqlType? Stored);

    /// <summary>Writes the text of a column.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="column">Position of the column.</param>
    /// <param name="place">Where its value is.</param>
    /// <exception cref="NebulaException">Its values are converted on their way in a way that a server does not know.</exception>
    public static string Of(StreamPlan plan, int column, Place place)
    {
        var type = plan.Columns[column].Field.Type;
        var wire = TableDetails.WireOf(plan, column);
        if (place.Stored is null)
            RequireKnown(plan, column, type);
        var value = place.Value;
        return type.Kind switch
        {
            // digits that tell a short one from its neighbours are those of another long one
            TypeKind.Float32 when IsText(place.Stored) => $"encode(float8send({value}::float4::float8), 'hex')",
            TypeKind.Float32 or TypeKind.Float64 => $"encode(float8send({value}::float8), 'hex')",
            // digits behind the point may be more where a number is stored than where it comes from
            TypeKind.Decimal => $"trim_scale({value}::numeric)::text",
            _ when IsInteger(type) => place.Stored is { Base: "numeric" } ? $"trim_scale({value})::text" : $"{value}::text",
            TypeKind.Date => $"{value}::date::text",
            TypeKind.Time => $"{value}::time::text",
            TypeKind.Timestamp => $"{value}::{(type.Zone is null ? "timestamp" : "timestamptz")}::text",
            TypeKind.Binary => $"encode({value}::bytea, 'hex')",
            TypeKind.Bool or TypeKind.Uuid => $"{value}::text",
            _ => Printed(plan, column, place, wire),
        };
    }

    /// <summary>Whether a type is a whole number.</summary>
    /// <param name="type">The type.</param>
    public static bool IsInteger(DataType type) => type.Kind is TypeKind.Int8 or TypeKind.Int16 or TypeKind.Int32 or TypeKind.Int64
        or TypeKind.UInt8 or TypeKind.UInt16 or TypeKind.UInt32 or TypeKind.UInt64;

    /// <summary>Whether the text may have any character.</summary>
    /// <param name="type">The type of the column.</param>
    public static bool IsFreeText(DataType type) => type.Kind is TypeKind.String or TypeKind.Json || type.IsNested;

    private static string Printed(StreamPlan plan, int column, Place place, PostgreSqlWire? wire)
    {
        var value = place.Value;
        // a text column has the padding of what was a char(n)
        if (IsText(place.Stored) && TableDetails.DeclaredOf(plan, column) is { } declared
            && declared.StartsWith("character(", StringComparison.Ordinal))
            return $"rtrim({value}, ' ')";
        if (place.Stored is { Base: "text" or "varchar" or "bpchar" or "name" or "json" or "jsonb" })
            return $"{value}::text";
        return wire switch
        {
            // as CopyQuery asks for them
            PostgreSqlWire.Printed => $"CASE WHEN num_nulls({value}) = 0 THEN concat({value}) END",
            PostgreSqlWire.ToJson => $"to_json({value})::text",
            _ => $"{value}::text",
        };
    }

    private static bool IsText(SqlType? stored) => stored is { Base: "text" or "varchar" };

    private static void RequireKnown(StreamPlan plan, int column, DataType type)
    {
        var position = plan.Stream.Schema.IndexOf(plan.Columns[column].SourceName);
        var read = plan.Stream.Schema.Fields[position].Type;
        var isKnown = read.Kind == type.Kind || type.Kind == TypeKind.String || IsNumber(read) && IsNumber(type);
        if (!isKnown)
            throw NebulaException.Configuration($"{plan.Stream.Name} cannot be compared with the target: column \"{plan.Columns[column].SourceName}\" is "
                + $"{read} and cast to {type}. Cast it to string, or use 'on_position_lost: resnapshot'.");
    }

    private static bool IsNumber(DataType type) => IsInteger(type) || type.Kind is TypeKind.Decimal or TypeKind.Float32 or TypeKind.Float64;
}
