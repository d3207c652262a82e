namespace Nebula.Engine.Schemas;

/// <summary>The kinds of values a column can hold. Names and meaning follow the logical types of Apache Arrow.</summary>
public enum TypeKind
{
    /// <summary>True or false; stored as one bit.</summary>
    Bool,

    /// <summary>Signed 8-bit integer.</summary>
    Int8,

    /// <summary>Signed 16-bit integer.</summary>
    Int16,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,

    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64,

    /// <summary>IEEE 754 single precision.</summary>
    Float32,

    /// <summary>IEEE 754 double precision.</summary>
    Float64,

    /// <summary>Exact decimal of a fixed precision (1 to 38 digits) and scale; stored unscaled in 8 bytes up to 18 digits, else in 16.</summary>
    Decimal,

    /// <summary>Calendar date, proleptic Gregorian; stored as int32 days since 1970-01-01.</summary>
    Date,

    /// <summary>Time of day without zone; stored as int64 micro- or nanoseconds since midnight.</summary>
    Time,

    /// <summary>Point in time; stored as int64 micro- or nanoseconds since 1970-01-01T00:00:00, UTC when the type has a zone, else local to nowhere.</summary>
    Timestamp,

    /// <summary>UTF-8 text.</summary>
    String,

    /// <summary>Bytes.</summary>
    Binary,

    /// <summary>UUID; stored as 16 bytes in the order of its text (RFC 9562).</summary>
    Uuid,

    /// <summary>A JSON document kept as its UTF-8 text.</summary>
    Json,

    /// <summary>A variable number of values of one type.</summary>
    List,

    /// <summary>Named fields.</summary>
    Struct,

    /// <summary>Keys with values; stored as a list of two-field structs.</summary>
    Map,
}

/// <summary>The resolution of a timestamp.</summary>
public enum TimeUnit
{
    /// <summary>10^-6 seconds.</summary>
    Microsecond,

    /// <summary>10^-9 seconds.</summary>
    Nanosecond,
}
