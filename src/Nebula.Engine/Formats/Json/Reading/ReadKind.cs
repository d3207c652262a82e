using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>The ways in which values are read and stored.</summary>
internal enum ReadKind
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
    Date,
    TimeMicroseconds,
    TimeNanoseconds,
    TimestampMicroseconds,
    TimestampNanoseconds,
    Uuid,
    String,
    Binary,
    Json,
    List,
    Struct,
    Map,
}

/// <summary>Maps types to <see cref="ReadKind"/>.</summary>
internal static class ReadKinds
{
    /// <summary>How values of a type are read.</summary>
    public static ReadKind Of(DataType type) => type.Kind switch
    {
        TypeKind.Bool => ReadKind.Bool,
        TypeKind.Int8 => ReadKind.Int8,
        TypeKind.Int16 => ReadKind.Int16,
        TypeKind.Int32 => ReadKind.Int32,
        TypeKind.Int64 => ReadKind.Int64,
        TypeKind.UInt8 => ReadKind.UInt8,
        TypeKind.UInt16 => ReadKind.UInt16,
        TypeKind.UInt32 => ReadKind.UInt32,
        TypeKind.UInt64 => ReadKind.UInt64,
        TypeKind.Float32 => ReadKind.Float32,
        TypeKind.Float64 => ReadKind.Float64,
        TypeKind.Decimal => type.ByteWidth == 8 ? ReadKind.Decimal64 : ReadKind.Decimal128,
        TypeKind.Date => ReadKind.Date,
        TypeKind.Time => type.Unit == TimeUnit.Nanosecond ? ReadKind.TimeNanoseconds : ReadKind.TimeMicroseconds,
        TypeKind.Timestamp => type.Unit == TimeUnit.Nanosecond ? ReadKind.TimestampNanoseconds : ReadKind.TimestampMicroseconds,
        TypeKind.Uuid => ReadKind.Uuid,
        TypeKind.String => ReadKind.String,
        TypeKind.Binary => ReadKind.Binary,
        TypeKind.Json => ReadKind.Json,
        TypeKind.List => ReadKind.List,
        TypeKind.Struct => ReadKind.Struct,
        _ => ReadKind.Map,
    };
}
