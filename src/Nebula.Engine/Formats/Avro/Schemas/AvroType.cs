namespace Nebula.Engine.Formats.Avro.Schemas;

/// <summary>What a schema describes (Avro specification, "Schema Declaration"). A record of kind "error" is a record.</summary>
internal enum AvroType
{
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Record,
    Enum,
    Fixed,
    Array,
    Map,
    Union,
}

/// <summary>
/// What the values of a schema mean beyond their type (Avro specification, "Logical Types"). One that is unknown or does not fit its type is none.
/// </summary>
internal enum AvroLogicalType
{
    None,
    Decimal,
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Duration,

    /// <summary>A map whose keys are no strings, stored as an array of records of key and value (as Apache Iceberg and others write it).</summary>
    Map,
}
