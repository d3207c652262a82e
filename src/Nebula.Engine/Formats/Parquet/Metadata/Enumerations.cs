namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>How values of a leaf are stored (<c>Type</c>).</summary>
internal enum PhysicalType
{
    /// <summary>One bit.</summary>
    Boolean = 0,

    /// <summary>Four bytes, little-endian.</summary>
    Int32 = 1,

    /// <summary>Eight bytes, little-endian.</summary>
    Int64 = 2,

    /// <summary>Nanoseconds of the day in eight bytes and the Julian day in four. Deprecated; only read.</summary>
    Int96 = 3,

    /// <summary>IEEE 754 single precision.</summary>
    Float = 4,

    /// <summary>IEEE 754 double precision.</summary>
    Double = 5,

    /// <summary>Bytes of any number.</summary>
    ByteArray = 6,

    /// <summary>Bytes of a number that the schema fixes.</summary>
    FixedLenByteArray = 7,
}

/// <summary>What values mean, as old writers say it (<c>ConvertedType</c>).</summary>
internal enum ConvertedType
{
    /// <summary>Text.</summary>
    Utf8 = 0,

    /// <summary>A group that is a map.</summary>
    Map = 1,

    /// <summary>The repeated group of a map; some old writers put it on the map itself.</summary>
    MapKeyValue = 2,

    /// <summary>A group that is a list.</summary>
    List = 3,

    /// <summary>Text that is one of a few names.</summary>
    Enum = 4,

    /// <summary>Decimal; precision and scale stand in the schema element.</summary>
    Decimal = 5,

    /// <summary>Days since 1970-01-01.</summary>
    Date = 6,

    /// <summary>Milliseconds since midnight.</summary>
    TimeMillis = 7,

    /// <summary>Microseconds since midnight.</summary>
    TimeMicros = 8,

    /// <summary>Milliseconds since 1970-01-01, UTC.</summary>
    TimestampMillis = 9,

    /// <summary>Microseconds since 1970-01-01, UTC.</summary>
    TimestampMicros = 10,

    /// <summary>Unsigned 8-bit integer in 32 bits.</summary>
    UInt8 = 11,

    /// <summary>Unsigned 16-bit integer in 32 bits.</summary>
    UInt16 = 12,

    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32 = 13,

    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64 = 14,

    /// <summary>Signed 8-bit integer in 32 bits.</summary>
    Int8 = 15,

    /// <summary>Signed 16-bit integer in 32 bits.</summary>
    Int16 = 16,

    /// <summary>Signed 32-bit integer.</summary>
    Int32 = 17,

    /// <summary>Signed 64-bit integer.</summary>
    Int64 = 18,

    /// <summary>JSON text.</summary>
    Json = 19,

    /// <summary>BSON document.</summary>
    Bson = 20,

    /// <summary>Months, days and milliseconds in 12 bytes.</summary>
    Interval = 21,
}

/// <summary>How often a field occurs (<c>FieldRepetitionType</c>).</summary>
internal enum Repetition
{
    /// <summary>Exactly once.</summary>
    Required = 0,

    /// <summary>Once or not at all.</summary>
    Optional = 1,

    /// <summary>Any number of times.</summary>
    Repeated = 2,
}

/// <summary>How the values or levels of a page are encoded (<c>Encoding</c>, described in Encodings.md).</summary>
internal enum PageEncoding
{
    /// <summary>One value behind the other.</summary>
    Plain = 0,

    /// <summary>Positions in the dictionary page; the old name of <see cref="RleDictionary"/>. In a dictionary page: plain.</summary>
    PlainDictionary = 2,

    /// <summary>Runs and bit-packed groups mixed.</summary>
    Rle = 3,

    /// <summary>Levels bit-packed most significant bit first. Deprecated; only read.</summary>
    BitPacked = 4,

    /// <summary>Differences of integers, packed in blocks.</summary>
    DeltaBinaryPacked = 5,

    /// <summary>Lengths as differences, then all bytes.</summary>
    DeltaLengthByteArray = 6,

    /// <summary>Lengths of common prefixes, then suffixes.</summary>
    DeltaByteArray = 7,

    /// <summary>Positions in the dictionary page.</summary>
    RleDictionary = 8,

    /// <summary>First bytes of all values, then second bytes, and so on.</summary>
    ByteStreamSplit = 9,

    /// <summary>Adaptive lossless floating point.</summary>
    Alp = 10,
}

/// <summary>How pages are compressed (<c>CompressionCodec</c>, described in Compression.md).</summary>
internal enum PageCodec
{
    /// <summary>Not at all.</summary>
    Uncompressed = 0,

    /// <summary>Bare Snappy block.</summary>
    Snappy = 1,

    /// <summary>gzip member.</summary>
    Gzip = 2,

    /// <summary>LZO; not read.</summary>
    Lzo = 3,

    /// <summary>Brotli stream.</summary>
    Brotli = 4,

    /// <summary>LZ4 in the framing of Hadoop, or what some writers took for it. Deprecated; only read.</summary>
    Lz4 = 5,

    /// <summary>zstd frame.</summary>
    Zstd = 6,

    /// <summary>Bare LZ4 block.</summary>
    Lz4Raw = 7,
}

/// <summary>What a page holds (<c>PageType</c>).</summary>
internal enum PageType
{
    /// <summary>Values, levels compressed with them.</summary>
    Data = 0,

    /// <summary>An index; never used.</summary>
    Index = 1,

    /// <summary>Values that data pages refer to.</summary>
    Dictionary = 2,

    /// <summary>Values, levels not compressed.</summary>
    DataV2 = 3,
}

/// <summary>Order of the bounds of pages in a column index (<c>BoundaryOrder</c>).</summary>
internal enum BoundaryOrder
{
    /// <summary>None.</summary>
    Unordered = 0,

    /// <summary>Both bounds never fall.</summary>
    Ascending = 1,

    /// <summary>Both bounds never rise.</summary>
    Descending = 2,
}

/// <summary>How the bounds in statistics are ordered (<c>ColumnOrder</c>).</summary>
internal enum ColumnOrder
{
    /// <summary>The file does not say, or says something unknown: bounds mean nothing.</summary>
    Undefined = 0,

    /// <summary>As the type defines.</summary>
    TypeDefined = 1,

    /// <summary>IEEE 754 total order.</summary>
    Ieee754TotalOrder = 2,

    /// <summary>INT96 by time.</summary>
    Int96Timestamp = 3,
}
