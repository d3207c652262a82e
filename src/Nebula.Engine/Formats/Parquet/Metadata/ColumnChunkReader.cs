using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Reads <c>ColumnChunk</c> and <c>ColumnMetaData</c> (parquet.thrift).</summary>
internal static class ColumnChunkReader
{
    /// <summary>Reads the chunks of a row group.</summary>
    /// <param name="reader">Stands before the list.</param>
    /// <param name="before">The row group before, whose paths are used again where they are the same: there may be millions of them.</param>
    /// <exception cref="ParquetFault">The bytes are not column chunks.</exception>
    public static ImmutableArray<ColumnChunk> ReadAll(ref ThriftCompactReader reader, RowGroup? before)
    {
        var count = reader.ReadListHead(ThriftType.Struct);
        var chunks = ImmutableArray.CreateBuilder<ColumnChunk>();
        for (var i = 0; i < count; i++)
        {
            var path = before is not null && i < before.Columns.Length ? before.Columns[i].Metadata?.PathInSchema : null;
            chunks.Add(ReadChunk(ref reader, path ?? []));
        }
        return chunks.DrainToImmutable();
    }

    private static ColumnChunk ReadChunk(ref ThriftCompactReader reader, ImmutableArray<string> expectedPath)
    {
        string? path = null;
        ColumnMetadata? metadata = null;
        long? offsetIndex = null, columnIndex = null;
        int? offsetIndexLength = null, columnIndexLength = null;
        var encrypted = false;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.Binary):
                    path = reader.ReadString();
                    break;
                case (3, ThriftType.Struct):
                    metadata = ReadMetadata(ref reader, expectedPath);
                    break;
                case (4, ThriftType.I64):
                    offsetIndex = reader.ReadI64();
                    break;
                case (5, ThriftType.I32):
                    offsetIndexLength = reader.ReadI32();
                    break;
                case (6, ThriftType.I64):
                    columnIndex = reader.ReadI64();
                    break;
                case (7, ThriftType.I32):
                    columnIndexLength = reader.ReadI32();
                    break;
                case (8, ThriftType.Struct):
                case (9, ThriftType.Binary):
                    encrypted = true;
                    reader.Skip(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        if (metadata is null && !encrypted)
            throw FileMetadataReader.Missing(reader, "column chunk", "meta_data");
        return new ColumnChunk
        {
            FilePath = path,
            Metadata = metadata,
            OffsetIndexOffset = offsetIndex,
            OffsetIndexLength = offsetIndexLength,
            ColumnIndexOffset = columnIndex,
            ColumnIndexLength = columnIndexLength,
            IsEncrypted = encrypted,
        };
    }

    private static ColumnMetadata ReadMetadata(ref ThriftCompactReader reader, ImmutableArray<string> expectedPath)
    {
        int? physical = null, codec = null, bloomLength = null;
        long? values = null, uncompressed = null, compressed = null, dataPage = null, dictionaryPage = null, bloom = null;
        ImmutableArray<PageEncoding> encodings = default;
        ImmutableArray<string> path = default;
        ColumnStatistics? statistics = null;
        SizeStatistics? sizes = null;
        var encodingStats = ImmutableArray<PageEncodingStats>.Empty;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    physical = reader.ReadI32();
                    break;
                case (2, ThriftType.List):
                    encodings = ReadEncodings(ref reader);
                    break;
                case (3, ThriftType.List):
                    path = ReadPath(ref reader, expectedPath);
                    break;
                case (4, ThriftType.I32):
                    codec = reader.ReadI32();
                    break;
                case (5, ThriftType.I64):
                    values = reader.ReadI64();
                    break;
                case (6, ThriftType.I64):
                    uncompressed = reader.ReadI64();
                    break;
                case (7, ThriftType.I64):
                    compressed = reader.ReadI64();
                    break;
                case (9, ThriftType.I64):
                    dataPage = reader.ReadI64();
                    break;
                case (11, ThriftType.I64):
                    dictionaryPage = reader.ReadI64();
                    break;
                case (12, ThriftType.Struct):
                    statistics = FileMetadataReader.ReadStatistics(ref reader);
                    break;
                case (13, ThriftType.List):
                    encodingStats = ReadEncodingStats(ref reader);
                    break;
                case (14, ThriftType.I64):
                    bloom = reader.ReadI64();
                    break;
                case (15, ThriftType.I32):
                    bloomLength = reader.ReadI32();
                    break;
                case (16, ThriftType.Struct):
                    sizes = ReadSizeStatistics(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        if (physical is < 0 or > (int)PhysicalType.FixedLenByteArray)
            throw reader.Fault($"a column chunk has the physical type {physical}, which does not exist");
        return new ColumnMetadata
        {
            Type = (PhysicalType)(physical ?? throw FileMetadataReader.Missing(reader, "column chunk", "type")),
            Encodings = encodings.IsDefault ? [] : encodings,
            PathInSchema = path.IsDefault ? throw FileMetadataReader.Missing(reader, "column chunk", "path_in_schema") : path,
            Codec = (PageCodec)(codec ?? throw FileMetadataReader.Missing(reader, "column chunk", "codec")),
            ValueCount = values ?? throw FileMetadataReader.Missing(reader, "column chunk", "num_values"),
            TotalUncompressedSize = uncompressed ?? throw FileMetadataReader.Missing(reader, "column chunk", "total_uncompressed_size"),
            TotalCompressedSize = compressed ?? throw FileMetadataReader.Missing(reader, "column chunk", "total_compressed_size"),
            DataPageOffset = dataPage ?? throw FileMetadataReader.Missing(reader, "column chunk", "data_page_offset"),
            DictionaryPageOffset = dictionaryPage,
            Statistics = statistics,
            EncodingStats = encodingStats,
            BloomFilterOffset = bloom,
            BloomFilterLength = bloomLength,
            SizeStatistics = sizes,
        };
    }

    private static ImmutableArray<PageEncoding> ReadEncodings(ref ThriftCompactReader reader)
    {
        var encodings = new PageEncoding[reader.ReadListHead(ThriftType.I32)];
        for (var i = 0; i < encodings.Length; i++)
            encodings[i] = (PageEncoding)reader.ReadI32();
        return ImmutableCollectionsMarshal.AsImmutableArray(encodings);
    }

    private static ImmutableArray<string> ReadPath(ref ThriftCompactReader reader, ImmutableArray<string> expected)
    {
        var count = reader.ReadListHead(ThriftType.Binary);
        ImmutableArray<string>.Builder? names = null;
        for (var i = 0; i < count; i++)
        {
            var name = reader.ReadBinary();
            if (names is null && i < expected.Length && IsSame(name, expected[i]))
                continue;
            if (names is null)
            {
                names = ImmutableArray.CreateBuilder<string>();
                names.AddRange(expected.AsSpan()[..Math.Min(i, expected.Length)]);
            }
            names.Add(Encoding.UTF8.GetString(name));
        }
        if (names is not null)
            return names.DrainToImmutable();
        return count == expected.Length ? expected : expected[..count];
    }

    private static bool IsSame(ReadOnlySpan<byte> name, string expected)
    {
        if (name.Length != expected.Length)
            return false;
        for (var i = 0; i < name.Length; i++)
            if (name[i] != expected[i] || name[i] >= 0x80)
                return false;
        return true;
    }

    private static ImmutableArray<PageEncodingStats> ReadEncodingStats(ref ThriftCompactReader reader)
    {
        var stats = ImmutableArray.CreateBuilder<PageEncodingStats>();
        for (var count = reader.ReadListHead(ThriftType.Struct); count > 0; count--)
        {
            int? page = null, encoding = null, pages = null;
            reader.Enter();
            short id = 0;
            while (reader.NextField(ref id, out var type))
                switch (id, type)
                {
                    case (1, ThriftType.I32):
                        page = reader.ReadI32();
                        break;
                    case (2, ThriftType.I32):
                        encoding = reader.ReadI32();
                        break;
                    case (3, ThriftType.I32):
                        pages = reader.ReadI32();
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            reader.Leave();
            stats.Add(new PageEncodingStats(
                (PageType)(page ?? throw FileMetadataReader.Missing(reader, "page encoding", "page_type")),
                (PageEncoding)(encoding ?? throw FileMetadataReader.Missing(reader, "page encoding", "encoding")),
                pages ?? throw FileMetadataReader.Missing(reader, "page encoding", "count")));
        }
        return stats.DrainToImmutable();
    }

    private static SizeStatistics ReadSizeStatistics(ref ThriftCompactReader reader)
    {
        long? bytes = null;
        ImmutableArray<long> repetition = [], definition = [];
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I64):
                    bytes = reader.ReadI64();
                    break;
                case (2, ThriftType.List):
                    repetition = FileMetadataReader.ReadLongs(ref reader);
                    break;
                case (3, ThriftType.List):
                    definition = FileMetadataReader.ReadLongs(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return new SizeStatistics { UnencodedByteArrayBytes = bytes, RepetitionLevelHistogram = repetition, DefinitionLevelHistogram = definition };
    }
}
