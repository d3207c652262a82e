using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Reads <c>OffsetIndex</c> and <c>ColumnIndex</c> (parquet.thrift, PageIndex.md).</summary>
internal static class PageIndexReader
{
    /// <summary>Reads an offset index.</summary>
    /// <param name="source">Its bytes.</param>
    /// <exception cref="ParquetFault">The bytes are not an offset index.</exception>
    public static OffsetIndex ReadOffsetIndex(ReadOnlyMemory<byte> source)
    {
        var reader = new ThriftCompactReader(source);
        ImmutableArray<PageLocation> pages = default;
        var bytes = ImmutableArray<long>.Empty;
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.List):
                    pages = ReadLocations(ref reader);
                    break;
                case (2, ThriftType.List):
                    bytes = FileMetadataReader.ReadLongs(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        return new OffsetIndex
        {
            Pages = pages.IsDefault ? throw FileMetadataReader.Missing(reader, "offset index", "page_locations") : pages,
            UnencodedByteArrayBytes = bytes,
        };
    }

    /// <summary>Reads a column index.</summary>
    /// <param name="source">Its bytes; bounds of the result are slices of them.</param>
    /// <exception cref="ParquetFault">The bytes are not a column index.</exception>
    public static ColumnIndex ReadColumnIndex(ReadOnlyMemory<byte> source)
    {
        var reader = new ThriftCompactReader(source);
        ImmutableArray<bool> nullPages = default;
        ImmutableArray<ReadOnlyMemory<byte>> mins = default, maxes = default;
        ImmutableArray<long> nulls = [], nans = [];
        int? order = null;
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.List):
                    nullPages = ReadBools(ref reader);
                    break;
                case (2, ThriftType.List):
                    mins = ReadBinaries(ref reader);
                    break;
                case (3, ThriftType.List):
                    maxes = ReadBinaries(ref reader);
                    break;
                case (4, ThriftType.I32):
                    order = reader.ReadI32();
                    break;
                case (5, ThriftType.List):
                    nulls = FileMetadataReader.ReadLongs(ref reader);
                    break;
                case (8, ThriftType.List):
                    nans = FileMetadataReader.ReadLongs(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        if (nullPages.IsDefault || mins.IsDefault || maxes.IsDefault || mins.Length != nullPages.Length || maxes.Length != nullPages.Length)
            throw reader.Fault("a column index has lists that are missing or of different lengths");
        return new ColumnIndex
        {
            NullPages = nullPages,
            MinValues = mins,
            MaxValues = maxes,
            BoundaryOrder = order is 1 or 2 ? (BoundaryOrder)order : BoundaryOrder.Unordered,
            NullCounts = nulls,
            NanCounts = nans,
        };
    }

    private static ImmutableArray<PageLocation> ReadLocations(ref ThriftCompactReader reader)
    {
        var pages = ImmutableArray.CreateBuilder<PageLocation>();
        for (var count = reader.ReadListHead(ThriftType.Struct); count > 0; count--)
        {
            long? offset = null, row = null;
            int? size = null;
            reader.Enter();
            short id = 0;
            while (reader.NextField(ref id, out var type))
                switch (id, type)
                {
                    case (1, ThriftType.I64):
                        offset = reader.ReadI64();
                        break;
                    case (2, ThriftType.I32):
                        size = reader.ReadI32();
                        break;
                    case (3, ThriftType.I64):
                        row = reader.ReadI64();
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            reader.Leave();
            pages.Add(new PageLocation(
                offset ?? throw FileMetadataReader.Missing(reader, "page location", "offset"),
                size ?? throw FileMetadataReader.Missing(reader, "page location", "compressed_page_size"),
                row ?? throw FileMetadataReader.Missing(reader, "page location", "first_row_index")));
        }
        return pages.DrainToImmutable();
    }

    private static ImmutableArray<bool> ReadBools(ref ThriftCompactReader reader)
    {
        var values = new bool[reader.ReadListHead(ThriftType.True)];
        for (var i = 0; i < values.Length; i++)
            values[i] = reader.ReadBoolElement();
        return ImmutableCollectionsMarshal.AsImmutableArray(values);
    }

    private static ImmutableArray<ReadOnlyMemory<byte>> ReadBinaries(ref ThriftCompactReader reader)
    {
        var values = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        for (var count = reader.ReadListHead(ThriftType.Binary); count > 0; count--)
            values.Add(reader.ReadMemory());
        return values.DrainToImmutable();
    }
}
