using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>
/// Writes the footer (<c>FileMetaData</c>), without its length and magic, piece by piece: its beginning, the row groups, each with its chunks, and its end.
/// </summary>
internal static class FileMetadataWriter
{
    /// <summary>Writes what stands before the row groups.</summary>
    /// <param name="file">The footer; its row groups do not matter.</param>
    /// <param name="rowGroups">Number of row groups that follow.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Begin(FileMetadata file, int rowGroups, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.I32(1, file.Version);
        writer.List(2, ThriftType.Struct, file.Schema.Length);
        foreach (var element in file.Schema)
            SchemaElementWriter.Write(element, writer);
        writer.I64(3, file.RowCount);
        writer.List(4, ThriftType.Struct, rowGroups);
    }

    /// <summary>Writes what stands behind the row groups.</summary>
    /// <param name="file">The footer.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void End(FileMetadata file, ThriftCompactWriter writer)
    {
        if (!file.KeyValues.IsEmpty)
        {
            writer.List(5, ThriftType.Struct, file.KeyValues.Length);
            foreach (var pair in file.KeyValues)
                WriteKeyValue(pair, writer);
        }
        if (file.CreatedBy is { } program)
            writer.String(6, program);
        if (!file.ColumnOrders.IsEmpty)
        {
            writer.List(7, ThriftType.Struct, file.ColumnOrders.Length);
            foreach (var order in file.ColumnOrders)
                WriteColumnOrder(order, writer);
        }
        writer.EndStruct();
    }

    private static void WriteKeyValue(KeyValue pair, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.String(1, pair.Key);
        if (pair.Value is { } value)
            writer.String(2, value);
        writer.EndStruct();
    }

    private static void WriteColumnOrder(ColumnOrder order, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        if (order != ColumnOrder.Undefined)
            writer.EmptyStruct((short)order);
        writer.EndStruct();
    }

    /// <summary>Begins a row group; its chunks follow.</summary>
    /// <param name="chunks">Number of chunks.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void BeginRowGroup(int chunks, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.List(1, ThriftType.Struct, chunks);
    }

    /// <summary>Writes a chunk of a row group.</summary>
    /// <param name="metadata">What it holds, as <see cref="Write(ColumnMetadata, ThriftCompactWriter)"/> wrote it.</param>
    /// <param name="chunk">Where its indexes are; nothing else of it is written.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(ReadOnlySpan<byte> metadata, ColumnChunk chunk, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        // deprecated, but required by the Thrift definition
        writer.I64(2, 0L);
        writer.RawStruct(3, metadata);
        writer.I64(4, chunk.OffsetIndexOffset);
        writer.I32(5, chunk.OffsetIndexLength);
        writer.I64(6, chunk.ColumnIndexOffset);
        writer.I32(7, chunk.ColumnIndexLength);
        writer.EndStruct();
    }

    /// <summary>Ends a row group.</summary>
    /// <param name="group">The row group; its chunks do not matter.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void EndRowGroup(RowGroup group, ThriftCompactWriter writer)
    {
        writer.I64(2, group.TotalByteSize);
        writer.I64(3, group.RowCount);
        if (!group.SortingColumns.IsEmpty)
        {
            writer.List(4, ThriftType.Struct, group.SortingColumns.Length);
            foreach (var column in group.SortingColumns)
            {
                writer.BeginStruct();
                writer.I32(1, column.ColumnIndex);
                writer.Bool(2, column.Descending);
                writer.Bool(3, column.NullsFirst);
                writer.EndStruct();
            }
        }
        writer.I64(5, group.FileOffset);
        writer.I64(6, group.TotalCompressedSize);
        if (group.Ordinal is { } ordinal)
            writer.I16(7, ordinal);
        writer.EndStruct();
    }

    /// <summary>Writes what a chunk holds, as a struct of its own.</summary>
    /// <param name="metadata">What it holds.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(ColumnMetadata metadata, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.I32(1, (int)metadata.Type);
        writer.List(2, ThriftType.I32, metadata.Encodings.Length);
        foreach (var encoding in metadata.Encodings)
            writer.IntegerElement((int)encoding);
        writer.List(3, ThriftType.Binary, metadata.PathInSchema.Length);
        foreach (var name in metadata.PathInSchema)
            writer.StringElement(name);
        writer.I32(4, (int)metadata.Codec);
        writer.I64(5, metadata.ValueCount);
        writer.I64(6, metadata.TotalUncompressedSize);
        writer.I64(7, metadata.TotalCompressedSize);
        writer.I64(9, metadata.DataPageOffset);
        writer.I64(11, metadata.DictionaryPageOffset);
        if (metadata.Statistics is { } statistics)
        {
            writer.BeginStruct(12);
            WriteStatistics(statistics, writer);
            writer.EndStruct();
        }
        if (!metadata.EncodingStats.IsEmpty)
        {
            writer.List(13, ThriftType.Struct, metadata.EncodingStats.Length);
            foreach (var stats in metadata.EncodingStats)
            {
                writer.BeginStruct();
                writer.I32(1, (int)stats.PageType);
                writer.I32(2, (int)stats.Encoding);
                writer.I32(3, stats.Count);
                writer.EndStruct();
            }
        }
        writer.I64(14, metadata.BloomFilterOffset);
        writer.I32(15, metadata.BloomFilterLength);
        if (metadata.SizeStatistics is { } sizes)
        {
            writer.BeginStruct(16);
            writer.I64(1, sizes.UnencodedByteArrayBytes);
            WriteLongs(2, sizes.RepetitionLevelHistogram, writer);
            WriteLongs(3, sizes.DefinitionLevelHistogram, writer);
            writer.EndStruct();
        }
        writer.EndStruct();
    }

    private static void WriteStatistics(ColumnStatistics statistics, ThriftCompactWriter writer)
    {
        writer.Binary(1, statistics.Max);
        writer.Binary(2, statistics.Min);
        writer.I64(3, statistics.NullCount);
        writer.I64(4, statistics.DistinctCount);
        writer.Binary(5, statistics.MaxValue);
        writer.Binary(6, statistics.MinValue);
        if (statistics.IsMaxExact is { } isMaxExact)
            writer.Bool(7, isMaxExact);
        if (statistics.IsMinExact is { } isMinExact)
            writer.Bool(8, isMinExact);
        writer.I64(9, statistics.NanCount);
    }

    /// <summary>Writes a field that is a list of numbers, if it has any.</summary>
    internal static void WriteLongs(short id, ImmutableArray<long> values, ThriftCompactWriter writer)
    {
        if (values.IsEmpty)
            return;
        writer.List(id, ThriftType.I64, values.Length);
        foreach (var value in values)
            writer.IntegerElement(value);
    }
}
