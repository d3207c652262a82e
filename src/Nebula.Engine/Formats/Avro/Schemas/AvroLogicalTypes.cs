using System.Text.Json;

namespace Nebula.Engine.Formats.Avro.Schemas;

/// <summary>Recognises logical types. One that is unknown, or does not fit the type it stands on, is passed over as the specification asks for.</summary>
internal static class AvroLogicalTypes
{
    private const int DurationSize = 12;
    private const int UuidSize = 16;

    /// <summary>The logical type that a schema declares.</summary>
    /// <param name="json">The schema.</param>
    /// <param name="type">Its type.</param>
    /// <param name="size">Bytes of a fixed.</param>
    /// <param name="precision">Digits of a decimal.</param>
    /// <param name="scale">Digits of a decimal behind the point.</param>
    public static AvroLogicalType Of(JsonElement json, AvroType type, int size, out int precision, out int scale)
    {
        precision = scale = 0;
        if (!json.TryGetProperty("logicalType", out var declared) || declared.ValueKind != JsonValueKind.String)
            return AvroLogicalType.None;
        if (declared.ValueEquals("decimal"))
            return type is AvroType.Bytes or AvroType.Fixed && TryReadDecimal(json, type == AvroType.Fixed ? size : int.MaxValue, out precision, out scale)
                ? AvroLogicalType.Decimal : AvroLogicalType.None;
        return type switch
        {
            AvroType.Int when declared.ValueEquals("date") => AvroLogicalType.Date,
            AvroType.Int when declared.ValueEquals("time-millis") => AvroLogicalType.TimeMillis,
            AvroType.Long => OfLong(declared),
            AvroType.String when declared.ValueEquals("uuid") => AvroLogicalType.Uuid,
            AvroType.Fixed when size == UuidSize && declared.ValueEquals("uuid") => AvroLogicalType.Uuid,
            AvroType.Fixed when size == DurationSize && declared.ValueEquals("duration") => AvroLogicalType.Duration,
            _ => AvroLogicalType.None,
        };
    }

    /// <summary>The logical type of an array: a map whose keys are no strings.</summary>
    public static AvroLogicalType OfArray(JsonElement json, AvroSchema items) =>
        json.TryGetProperty("logicalType", out var declared) && declared.ValueKind == JsonValueKind.String && declared.ValueEquals("map")
        && items.Type == AvroType.Record && items.Fields is [{ Name: "key" }, { Name: "value" }]
            ? AvroLogicalType.Map : AvroLogicalType.None;

    private static AvroLogicalType OfLong(JsonElement declared) =>
        declared.ValueEquals("timestamp-millis") ? AvroLogicalType.TimestampMillis
        : declared.ValueEquals("timestamp-micros") ? AvroLogicalType.TimestampMicros
        : declared.ValueEquals("timestamp-nanos") ? AvroLogicalType.TimestampNanos
        : declared.ValueEquals("local-timestamp-millis") ? AvroLogicalType.LocalTimestampMillis
        : declared.ValueEquals("local-timestamp-micros") ? AvroLogicalType.LocalTimestampMicros
        : declared.ValueEquals("local-timestamp-nanos") ? AvroLogicalType.LocalTimestampNanos
        : declared.ValueEquals("time-micros") ? AvroLogicalType.TimeMicros
        : AvroLogicalType.None;

    private static bool TryReadDecimal(JsonElement json, int size, out int precision, out int scale)
    {
        scale = 0;
        return TryReadInt32(json, "precision", out precision) && precision > 0
            && (!json.TryGetProperty("scale", out _) || TryReadInt32(json, "scale", out scale)) && scale >= 0 && scale <= precision
            && Math.Floor(Math.Log10(2) * (8L * size - 1)) >= precision;
    }

    private static bool TryReadInt32(JsonElement json, string key, out int value)
    {
        value = 0;
        return json.TryGetProperty(key, out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out value);
    }
}
