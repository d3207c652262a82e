using System.Collections.Immutable;
using System.Text.Json;

namespace Nebula.Engine.Formats.Avro.Schemas;

/// <summary>
/// A schema, or a part of one. Records refer to themselves, so that a schema is a graph; whoever walks it must stop at records that are open.
/// </summary>
internal sealed class AvroSchema
{
    private ImmutableArray<AvroField> _fields = [];

    public AvroSchema(AvroType type) => Type = type;

    /// <summary>What it describes.</summary>
    public AvroType Type { get; }

    /// <summary>Name with namespace, of a record, enum or fixed; else null.</summary>
    public string? FullName { get; init; }

    /// <summary>Other full names under which a reader's schema also matches a writer's.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>What the values mean.</summary>
    public AvroLogicalType Logical { get; init; }

    /// <summary>Digits of a decimal, at least 1.</summary>
    public int Precision { get; init; }

    /// <summary>Digits of a decimal behind the point, up to <see cref="Precision"/>.</summary>
    public int Scale { get; init; }

    /// <summary>Bytes of a fixed.</summary>
    public int Size { get; init; }

    /// <summary>Symbols of an enum.</summary>
    public ImmutableArray<string> Symbols { get; init; } = [];

    /// <summary>What a reader takes for symbols that it does not know; null when that is an error.</summary>
    public string? DefaultSymbol { get; init; }

    /// <summary>The schema of the items of an array or of the values of a map; else null.</summary>
    public AvroSchema? Items { get; init; }

    /// <summary>The branches of a union.</summary>
    public ImmutableArray<AvroSchema> Branches { get; init; } = [];

    /// <summary>The fields of a record.</summary>
    public ImmutableArray<AvroField> Fields => _fields;

    /// <summary>The name without namespace.</summary>
    public string? Name => FullName?[(FullName.LastIndexOf('.') + 1)..];

    /// <summary>Whether the type has a name.</summary>
    public bool IsNamed => Type is AvroType.Record or AvroType.Enum or AvroType.Fixed;

    /// <summary>Completes a record, whose fields may refer to it.</summary>
    public void SetFields(ImmutableArray<AvroField> fields) => _fields = fields;

    /// <summary>How the type is called in messages: <c>record com.example.User</c>, <c>long (timestamp-micros)</c>.</summary>
    public override string ToString()
    {
        var name = Type.ToString().ToLowerInvariant();
        if (FullName is { Length: > 0 })
            return $"{name} {FullName}";
        return Type switch
        {
            AvroType.Array => $"array of {ShortName(Items!)}",
            AvroType.Map => $"map of {ShortName(Items!)}",
            AvroType.Union => $"union of {string.Join(", ", Branches.Select(ShortName))}",
            _ => Logical == AvroLogicalType.None ? name : $"{name} ({LogicalName})",
        };
    }

    /// <summary>The logical type as the specification writes it; empty when there is none.</summary>
    public string LogicalName => Logical switch
    {
        AvroLogicalType.None => "",
        AvroLogicalType.TimeMillis => "time-millis",
        AvroLogicalType.TimeMicros => "time-micros",
        AvroLogicalType.TimestampMillis => "timestamp-millis",
        AvroLogicalType.TimestampMicros => "timestamp-micros",
        AvroLogicalType.TimestampNanos => "timestamp-nanos",
        AvroLogicalType.LocalTimestampMillis => "local-timestamp-millis",
        AvroLogicalType.LocalTimestampMicros => "local-timestamp-micros",
        AvroLogicalType.LocalTimestampNanos => "local-timestamp-nanos",
        _ => Logical.ToString().ToLowerInvariant(),
    };

    private static string ShortName(AvroSchema schema) => schema.FullName is { Length: > 0 } name ? name : schema.Type.ToString().ToLowerInvariant();
}

/// <summary>A field of a record.</summary>
/// <param name="Name">Its name as stored.</param>
/// <param name="Schema">The schema of its values.</param>
/// <param name="Default">What a reader takes when the writer had no such field; null when that is an error.</param>
/// <param name="Aliases">Other names under which a reader's field matches a writer's.</param>
/// <param name="OriginalName">What the field was called before its name was made a valid one; null when that is the name.</param>
internal sealed record AvroField(string Name, AvroSchema Schema, JsonElement? Default, ImmutableArray<string> Aliases, string? OriginalName);
