namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>The forms in which values are written; one way of storing and one way of writing each.</summary>
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
    EscapedString,
    DictionaryString,
    Binary,
    Uuid,
    Date,
    TimeMicroseconds,
    TimeNanoseconds,
    TimestampMicroseconds,
    TimestampNanoseconds,
}
