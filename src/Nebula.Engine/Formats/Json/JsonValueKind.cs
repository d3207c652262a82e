using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json;

/// <summary>The forms of values; one way of storing, reading and writing each.</summary>
internal enum JsonValueKind : byte
{
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Decimal64,
    Decimal128,
    Json,
    List,
    Struct,
    Map,

    // from here on values stand in quotes, and the opening one belongs to what is written in front of them
    String,

    /// <summary>How strings are written of which many have something to escape.</summary>
    EscapedString,

    /// <summary>How strings are written whose column has a dictionary.</summary>
    DictionaryString,
    Binary,
    Uuid,
    Date,
    TimeMicroseconds,
    TimeNanoseconds,
    TimestampMicroseconds,
    TimestampNanoseconds,
}

/// <summary>Maps types to <see cref="JsonValueKind"/>.</summary>
internal static class JsonValueKinds
{
    /// <summary>The form of values of a type.</summary>
    /// <param name="type">The type.</param>
    public static JsonValueKind Of(DataType type) => type.Kind switch
    {
        TypeKind.Bool => JsonValueKind.Bool,
        TypeKind.Int8 => JsonValueKind.Int8,
        TypeKind.Int16 => JsonValueKind.Int16,
        TypeKind.Int32 => JsonValueKind.Int32,
        TypeKind.Int64 => JsonValueKind.Int64,
        TypeKind.UInt8 => JsonValueKind.UInt8,
        TypeKind.UInt16 => JsonValueKind.UInt16,
        TypeKind.UInt32 => JsonValueKind.UInt32,
        TypeKind.UInt64 => JsonValueKind.UInt64,
        TypeKind.Float32 => JsonValueKind.Float32,
        TypeKind.Float64 => JsonValueKind.Float64,
        TypeKind.Decimal => type.ByteWidth == 8 ? JsonValueKind.Decimal64 : JsonValueKind.Decimal128,
        TypeKind.Date => JsonValueKind.Date,
        TypeKind.Time => type.Unit == TimeUnit.Nanosecond ? JsonValueKind.TimeNanoseconds : JsonValueKind.TimeMicroseconds,
        TypeKind.Timestamp => type.Unit == TimeUnit.Nanosecond ? JsonValueKind.TimestampNanoseconds : JsonValueKind.TimestampMicroseconds,
        TypeKind.Uuid => JsonValueKind.Uuid,
        TypeKind.String => JsonValueKind.String,
        TypeKind.Binary => JsonValueKind.Binary,
        TypeKind.Json => JsonValueKind.Json,
        TypeKind.List => JsonValueKind.List,
        TypeKind.Struct => JsonValueKind.Struct,
        _ => JsonValueKind.Map,
    };
}
