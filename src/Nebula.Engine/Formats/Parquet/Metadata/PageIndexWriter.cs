namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Writes <c>ColumnIndex</c>, <c>OffsetIndex</c> and <c>BloomFilterHeader</c>.</summary>
internal static class PageIndexWriter
{
    /// <summary>Writes bounds and counts of the pages of a chunk.</summary>
    /// <param name="index">What is written.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(ColumnIndex index, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.List(1, ThriftType.True, index.NullPages.Length);
        foreach (var isNull in index.NullPages)
            writer.BoolElement(isNull);
        writer.List(2, ThriftType.Binary, index.MinValues.Length);
        foreach (var min in index.MinValues)
            writer.BinaryElement(min.Span);
        writer.List(3, ThriftType.Binary, index.MaxValues.Length);
        foreach (var max in index.MaxValues)
            writer.BinaryElement(max.Span);
        writer.I32(4, (int)index.BoundaryOrder);
        FileMetadataWriter.WriteLongs(5, index.NullCounts, writer);
        writer.EndStruct();
    }

    /// <summary>Writes where the pages of a chunk are.</summary>
    /// <param name="index">What is written.</param>
    /// <param name="origin">Is added to the offsets of the pages.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(OffsetIndex index, long origin, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.List(1, ThriftType.Struct, index.Pages.Length);
        foreach (var page in index.Pages)
        {
            writer.BeginStruct();
            writer.I64(1, origin + page.Offset);
            writer.I32(2, page.CompressedSize);
            writer.I64(3, page.FirstRow);
            writer.EndStruct();
        }
        FileMetadataWriter.WriteLongs(2, index.UnencodedByteArrayBytes, writer);
        writer.EndStruct();
    }

    /// <summary>Writes what stands in front of the bits of a Bloom filter: split blocks, XXH64, not compressed.</summary>
    /// <param name="header">The header.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(BloomFilterHeader header, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.I32(1, header.ByteCount);
        for (short union = 2; union <= 4; union++)
        {
            writer.BeginStruct(union);
            writer.EmptyStruct(1);
            writer.EndStruct();
        }
        writer.EndStruct();
    }
}
