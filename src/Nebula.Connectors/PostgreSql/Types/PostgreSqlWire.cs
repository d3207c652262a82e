namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>In which form the values of a column are asked of the server, and so how their bytes are read. Manual, <c>COPY</c>, "Binary Format", and the send
/// functions of the types.</summary>
internal enum PostgreSqlWire
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Two bytes, signed, big-endian as all that follows.</summary>
    Int2,

    /// <summary>Four bytes, signed.</summary>
    Int4,

    /// <summary>Eight bytes, signed.</summary>
    Int8,

    /// <summary>Four bytes, unsigned.</summary>
    Oid,

    /// <summary>IEEE 754, four bytes.</summary>
    Float4,

    /// <summary>IEEE 754, eight bytes.</summary>
    Float8,

    /// <summary>Groups of four decimal digits.</summary>
    Numeric,

    /// <summary>Days since 2000-01-01, four bytes; the greatest and least number are the infinities.</summary>
    Date,

    /// <summary>Microseconds since midnight, eight bytes.</summary>
    Time,

    /// <summary>Microseconds since 2000-01-01, eight bytes; the greatest and least number are the infinities.</summary>
    Timestamp,

    /// <summary>16 bytes.</summary>
    Uuid,

    /// <summary>The bytes of the value as they are: text, labels, JSON, bytea.</summary>
    Bytes,

    /// <summary>A version byte, 1, and JSON text.</summary>
    Jsonb,

    /// <summary>Text, by the cast to text, which prints these types as they are always printed.</summary>
    Cast,

    /// <summary>Text, by the type's own output function: its cast to text gives something else, or nobody knows what it does.</summary>
    Printed,

    /// <summary>JSON text, by <c>to_json</c>.</summary>
    ToJson,
}
