namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Reads <c>PageHeader</c> and <c>BloomFilterHeader</c> (parquet.thrift).</summary>
internal static class PageHeaderReader
{
    /// <summary>Reads the header of a page. Sizes and counts of the result are not negative.</summary>
    /// <param name="source">The bytes from the header on.</param>
    /// <param name="length">Bytes that the header takes.</param>
    /// <exception cref="ParquetFault">The bytes are not a page header.</exception>
    public static PageHeader Read(ReadOnlySpan<byte> source, out int length)
    {
        var reader = new ThriftCompactReader(source);
        int? pageType = null, uncompressed = null, compressed = null, crc = null;
        PageHeader? page = null;
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    pageType = reader.ReadI32();
                    break;
                case (2, ThriftType.I32):
                    uncompressed = reader.ReadI32();
                    break;
                case (3, ThriftType.I32):
                    compressed = reader.ReadI32();
                    break;
                case (4, ThriftType.I32):
                    crc = reader.ReadI32();
                    break;
                case (5, ThriftType.Struct):
                    page = ReadData(ref reader);
                    break;
                case (7, ThriftType.Struct):
                    page = ReadDictionary(ref reader);
                    break;
                case (8, ThriftType.Struct):
                    page = ReadDataV2(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        length = reader.Position;
        var kind = (PageType)(pageType ?? throw FileMetadataReader.Missing(reader, "page", "type"));
        if (kind is PageType.Data or PageType.DataV2 or PageType.Dictionary && page?.Type != kind)
            throw reader.Fault($"the header of a page of type {(int)kind} lacks the part for this type");
        return (page ?? Empty(kind)) with
        {
            Type = kind,
            UncompressedSize = NotNegative(reader, uncompressed, "uncompressed_page_size"),
            CompressedSize = NotNegative(reader, compressed, "compressed_page_size"),
            Crc = (uint?)crc,
        };
    }

    /// <summary>Reads the header of a Bloom filter.</summary>
    /// <param name="source">The bytes from the header on.</param>
    /// <param name="length">Bytes that the header takes.</param>
    /// <exception cref="ParquetFault">The bytes are not a Bloom filter header.</exception>
    public static BloomFilterHeader ReadBloomFilter(ReadOnlySpan<byte> source, out int length)
    {
        var reader = new ThriftCompactReader(source);
        int? bytes = null;
        var known = 0;
        short id = 0;
        while (reader.NextField(ref id, out var type))
            if (id == 1 && type == ThriftType.I32)
                bytes = reader.ReadI32();
            else if (id is 2 or 3 or 4 && type == ThriftType.Struct)
                known += ReadUnion(ref reader) == 1 ? 1 : 0;
            else
                reader.Skip(type);
        length = reader.Position;
        return new BloomFilterHeader(NotNegative(reader, bytes, "numBytes"), known == 3);
    }

    private static PageHeader Empty(PageType type) => new() { Type = type, UncompressedSize = 0, CompressedSize = 0 };

    private static int NotNegative(in ThriftCompactReader reader, int? value, string field) =>
        value is >= 0 ? value.Value : throw reader.Fault(value is null ? $"a header has no {field}" : $"a header has the {field} {value}");

    /// <summary>The field that is set in a union whose members hold nothing.</summary>
    private static int ReadUnion(ref ThriftCompactReader reader)
    {
        var member = 0;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
        {
            member = id;
            reader.Skip(type);
        }
        reader.Leave();
        return member;
    }

    private static PageHeader ReadData(ref ThriftCompactReader reader)
    {
        int? values = null, encoding = null;
        var (definition, repetition) = ((int)PageEncoding.Rle, (int)PageEncoding.Rle);
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    values = reader.ReadI32();
                    break;
                case (2, ThriftType.I32):
                    encoding = reader.ReadI32();
                    break;
                case (3, ThriftType.I32):
                    definition = reader.ReadI32();
                    break;
                case (4, ThriftType.I32):
                    repetition = reader.ReadI32();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return Empty(PageType.Data) with
        {
            ValueCount = NotNegative(reader, values, "num_values"),
            Encoding = (PageEncoding)NotNegative(reader, encoding, "encoding"),
            DefinitionLevelEncoding = (PageEncoding)definition,
            RepetitionLevelEncoding = (PageEncoding)repetition,
            IsCompressed = true,
        };
    }

    private static PageHeader ReadDictionary(ref ThriftCompactReader reader)
    {
        int? values = null, encoding = null;
        var sorted = false;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    values = reader.ReadI32();
                    break;
                case (2, ThriftType.I32):
                    encoding = reader.ReadI32();
                    break;
                case (3, ThriftType.True or ThriftType.False):
                    sorted = type == ThriftType.True;
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return Empty(PageType.Dictionary) with
        {
            ValueCount = NotNegative(reader, values, "num_values"),
            Encoding = (PageEncoding)NotNegative(reader, encoding, "encoding"),
            IsSorted = sorted,
            IsCompressed = true,
        };
    }

    private static PageHeader ReadDataV2(ref ThriftCompactReader reader)
    {
        int? values = null, nulls = null, rows = null, encoding = null, definition = null, repetition = null;
        var compressed = true;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    values = reader.ReadI32();
                    break;
                case (2, ThriftType.I32):
                    nulls = reader.ReadI32();
                    break;
                case (3, ThriftType.I32):
                    rows = reader.ReadI32();
                    break;
                case (4, ThriftType.I32):
                    encoding = reader.ReadI32();
                    break;
                case (5, ThriftType.I32):
                    definition = reader.ReadI32();
                    break;
                case (6, ThriftType.I32):
                    repetition = reader.ReadI32();
                    break;
                case (7, ThriftType.True or ThriftType.False):
                    compressed = type == ThriftType.True;
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return Empty(PageType.DataV2) with
        {
            ValueCount = NotNegative(reader, values, "num_values"),
            NullCount = NotNegative(reader, nulls, "num_nulls"),
            RowCount = NotNegative(reader, rows, "num_rows"),
            Encoding = (PageEncoding)NotNegative(reader, encoding, "encoding"),
            DefinitionLevelsLength = NotNegative(reader, definition, "definition_levels_byte_length"),
            RepetitionLevelsLength = NotNegative(reader, repetition, "repetition_levels_byte_length"),
            DefinitionLevelEncoding = PageEncoding.Rle,
            RepetitionLevelEncoding = PageEncoding.Rle,
            IsCompressed = compressed,
        };
    }
}
