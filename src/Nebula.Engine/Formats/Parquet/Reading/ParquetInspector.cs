using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Tells what is in a file: all from its footer and page indexes, no values.</summary>
/// <param name="bytes">The file.</param>
/// <param name="metadata">Its footer.</param>
/// <param name="nodes">Its columns.</param>
/// <param name="leaves">All leaves.</param>
internal sealed class ParquetInspector(IRandomAccess bytes, FileMetadata metadata, ImmutableArray<SchemaNode> nodes, ImmutableArray<SchemaLeaf> leaves)
{
    private const int LongestText = 64;

    /// <summary>Tells it.</summary>
    public FileInspection Inspect() => new(Properties(), [Schema(), Columns(), RowGroups(), Chunks()]);

    private static string Text(IFormattable? value) => value?.ToString(null, CultureInfo.InvariantCulture) ?? "";

    private static string Cut(string text) => text.Length <= LongestText ? text : text[..LongestText] + "…";

    private static string Ratio(long uncompressed, long compressed) =>
        compressed > 0 ? ((double)uncompressed / compressed).ToString("F2", CultureInfo.InvariantCulture) : "";

    private static string NameOf(PageCodec codec) => codec <= PageCodec.Lz4Raw ? codec.ToString().ToUpperInvariant() : $"codec {(int)codec}";

    private static string NameOf(PageEncoding encoding) => encoding switch
    {
        PageEncoding.Plain => "PLAIN",
        PageEncoding.PlainDictionary => "PLAIN_DICTIONARY",
        PageEncoding.Rle => "RLE",
        PageEncoding.BitPacked => "BIT_PACKED",
        PageEncoding.DeltaBinaryPacked => "DELTA_BINARY_PACKED",
        PageEncoding.DeltaLengthByteArray => "DELTA_LENGTH_BYTE_ARRAY",
        PageEncoding.DeltaByteArray => "DELTA_BYTE_ARRAY",
        PageEncoding.RleDictionary => "RLE_DICTIONARY",
        PageEncoding.ByteStreamSplit => "BYTE_STREAM_SPLIT",
        PageEncoding.Alp => "ALP",
        _ => $"encoding {(int)encoding}",
    };

    private static string NameOf(SchemaElement element) => element.Type switch
    {
        PhysicalType.Boolean => "BOOLEAN",
        PhysicalType.Int32 => "INT32",
        PhysicalType.Int64 => "INT64",
        PhysicalType.Int96 => "INT96",
        PhysicalType.Float => "FLOAT",
        PhysicalType.Double => "DOUBLE",
        PhysicalType.ByteArray => "BYTE_ARRAY",
        PhysicalType.FixedLenByteArray => $"FIXED_LEN_BYTE_ARRAY({element.TypeLength})",
        _ => "group",
    };

    private static string MeaningOf(SchemaElement element) => element.LogicalType is { } logical ? logical.Kind switch
    {
        LogicalTypeKind.Decimal => $"DECIMAL({logical.Precision},{logical.Scale})",
        LogicalTypeKind.Integer => $"INTEGER({logical.BitWidth},{(logical.IsSigned ? "signed" : "unsigned")})",
        LogicalTypeKind.Time or LogicalTypeKind.Timestamp =>
            $"{logical.Kind.ToString().ToUpperInvariant()}({logical.Unit.ToString().ToUpperInvariant()}{(logical.IsAdjustedToUtc ? ",UTC" : "")})",
        _ => logical.Kind.ToString().ToUpperInvariant(),
    }
        : element.ConvertedType is { } converted ? converted.ToString().ToUpperInvariant()
            + (converted == ConvertedType.Decimal ? $"({element.Precision},{element.Scale})" : "") : "";

    private List<KeyValuePair<string, string>> Properties()
    {
        var groups = metadata.RowGroups;
        var properties = new List<KeyValuePair<string, string>>
        {
            new("format", "parquet"),
            new("format_version", Text(metadata.Version)),
            new("created_by", metadata.CreatedBy ?? ""),
            new("bytes", Text(bytes.Length)),
            new("rows", Text(groups.Sum(static group => group.RowCount))),
            new("row_groups", Text(groups.Length)),
            new("columns", Text(nodes.Length)),
            new("leaf_columns", Text(leaves.Length)),
            new("encrypted", metadata.HasEncryption || groups.Any(static group => group.Columns.Any(static chunk => chunk.IsEncrypted)) ? "true" : "false"),
        };
        foreach (var pair in metadata.KeyValues)
            properties.Add(new("metadata." + pair.Key, pair.Value ?? ""));
        return properties;
    }

    private InspectionTable Schema() => new("schema", ["name", "type", "nullable"],
        [.. nodes.Select(static node => (IReadOnlyList<string>)[node.Name, node.Type.ToString(), node.IsNullable ? "true" : "false"])]);

    /// <summary>Every leaf over all row groups.</summary>
    private InspectionTable Columns() => new("columns",
        ["path", "physical_type", "logical_type", "type", "max_definition_level", "max_repetition_level", "codec", "encodings", "compressed_bytes",
            "uncompressed_bytes", "ratio", "nulls"],
        [.. leaves.Select(DescribeColumn)]);

    private IReadOnlyList<string> DescribeColumn(SchemaLeaf leaf)
    {
        var chunks = metadata.RowGroups.Select(group => group.Columns[leaf.Index].Metadata).OfType<ColumnMetadata>().ToArray();
        var compressed = chunks.Sum(static chunk => chunk.TotalCompressedSize);
        var uncompressed = chunks.Sum(static chunk => chunk.TotalUncompressedSize);
        return
        [
            leaf.Path, NameOf(leaf.Element), MeaningOf(leaf.Element), leaf.Type.Refusal is null ? leaf.Type.Type.ToString() : "",
            Text(leaf.MaxDefinitionLevel), Text(leaf.MaxRepetitionLevel),
            string.Join(' ', chunks.Select(static chunk => NameOf(chunk.Codec)).Distinct()),
            string.Join(' ', chunks.SelectMany(static chunk => chunk.Encodings).Distinct().Select(NameOf)),
            Text(compressed), Text(uncompressed), Ratio(uncompressed, compressed),
            Array.TrueForAll(chunks, static chunk => chunk.Statistics?.NullCount is not null)
                ? Text(chunks.Sum(static chunk => chunk.Statistics!.NullCount!.Value)) : "",
        ];
    }

    private InspectionTable RowGroups() => new("row_groups", ["row_group", "rows", "offset", "compressed_bytes", "uncompressed_bytes", "sorted_by"],
        [.. metadata.RowGroups.Select((group, position) => (IReadOnlyList<string>)
        [
            Text(position), Text(group.RowCount), Text(ParquetFile.PartOf(group).Offset), Text(ParquetFile.PartOf(group).Bytes), Text(group.TotalByteSize),
            string.Join(", ", group.SortingColumns.Select(sorting =>
                (sorting.ColumnIndex >= 0 && sorting.ColumnIndex < leaves.Length ? leaves[sorting.ColumnIndex].Path : Text(sorting.ColumnIndex))
                + (sorting.Descending ? " descending" : "") + (sorting.NullsFirst ? " nulls first" : ""))),
        ])]);

    private InspectionTable Chunks() => new("column_chunks",
        ["row_group", "path", "codec", "encodings", "values", "compressed_bytes", "uncompressed_bytes", "nulls", "distinct", "min", "max", "pages",
            "page_index", "bloom_filter_bytes"],
        [.. metadata.RowGroups.SelectMany((group, position) => leaves.Select(leaf => DescribeChunk(position, group.Columns[leaf.Index], leaf)))]);

    private IReadOnlyList<string> DescribeChunk(int group, ColumnChunk chunk, SchemaLeaf leaf)
    {
        if (chunk.Metadata is not { } stored)
            return [Text(group), leaf.Path, "encrypted", "", "", "", "", "", "", "", "", "", "", ""];
        var statistics = stored.Statistics;
        // without an order of the column, bounds of old writers are right for signed numbers alone
        var hasOrder = leaf.Index < metadata.ColumnOrders.Length && metadata.ColumnOrders[leaf.Index] != ColumnOrder.Undefined;
        return
        [
            Text(group), leaf.Path, NameOf(stored.Codec),
            string.Join(' ', stored.EncodingStats.IsEmpty ? stored.Encodings.Select(NameOf)
                : stored.EncodingStats.Select(static stats =>
                    $"{(stats.PageType == PageType.Dictionary ? "dictionary:" : "")}{NameOf(stats.Encoding)}×{stats.Count}")),
            Text(stored.ValueCount), Text(stored.TotalCompressedSize), Text(stored.TotalUncompressedSize),
            Text(statistics?.NullCount), Text(statistics?.DistinctCount),
            Bound((hasOrder ? statistics?.MinValue : null) ?? statistics?.Min, leaf), Bound((hasOrder ? statistics?.MaxValue : null) ?? statistics?.Max, leaf),
            CountPages(chunk), (chunk.ColumnIndexOffset, chunk.OffsetIndexOffset) switch
            {
                (not null, not null) => "column offset",
                (_, not null) => "offset",
                _ => "",
            },
            stored.BloomFilterOffset is null ? "" : Text(stored.BloomFilterLength),
        ];
    }

    private string CountPages(ColumnChunk chunk)
    {
        if (chunk is not { OffsetIndexOffset: >= 0 and { } offset, OffsetIndexLength: > 0 and { } length } || offset > bytes.Length - length)
            return "";
        var index = new byte[length];
        bytes.Read(offset, index);
        try
        {
            return Text(PageIndexReader.ReadOffsetIndex(index).Pages.Length);
        }
        catch (ParquetFault)
        {
            return "damaged";
        }
    }

    /// <summary>A bound as people read it; in hexadecimal where its type says nothing better.</summary>
    private static string Bound(ReadOnlyMemory<byte>? bound, SchemaLeaf leaf)
    {
        if (bound is not { } memory)
            return "";
        var value = memory.Span;
        return (leaf.Element.Type, value.Length) switch
        {
            (PhysicalType.Boolean, 1) => value[0] == 0 ? "false" : "true",
            (PhysicalType.Int32, 4) => Integer(BinaryPrimitives.ReadInt32LittleEndian(value), BinaryPrimitives.ReadUInt32LittleEndian(value), leaf.Type.Type),
            (PhysicalType.Int64, 8) when leaf.Type.Conversion is MillisecondsToMicroseconds =>
                Integer((long)Int128.Clamp((Int128)BinaryPrimitives.ReadInt64LittleEndian(value) * 1000, long.MinValue, long.MaxValue), 0, leaf.Type.Type),
            (PhysicalType.Int64, 8) => Integer(BinaryPrimitives.ReadInt64LittleEndian(value), BinaryPrimitives.ReadUInt64LittleEndian(value), leaf.Type.Type),
            (PhysicalType.Float, 4) => Text(BinaryPrimitives.ReadSingleLittleEndian(value)),
            (PhysicalType.Double, 8) => Text(BinaryPrimitives.ReadDoubleLittleEndian(value)),
            _ when leaf.Type.Type.Kind is TypeKind.String or TypeKind.Json => Cut(Encoding.UTF8.GetString(value[..Math.Min(value.Length, 4 * LongestText)])),
            (PhysicalType.FixedLenByteArray, 16) when leaf.Type.Type.Kind == TypeKind.Uuid => new Guid(value, bigEndian: true).ToString(),
            _ => Cut("0x" + Convert.ToHexString(value[..Math.Min(value.Length, LongestText)])),
        };
    }

    private static string Integer(long value, ulong unsigned, DataType type) => type.Kind switch
    {
        TypeKind.UInt8 or TypeKind.UInt16 or TypeKind.UInt32 or TypeKind.UInt64 => Text(unsigned),
        TypeKind.Date when Math.Abs(value) < 700_000 =>
            DateOnly.FromDayNumber((int)value + DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        TypeKind.Timestamp when Ticks(value, type) is var ticks && ticks > DateTime.MinValue.Ticks && ticks < DateTime.MaxValue.Ticks =>
            new DateTime((long)ticks).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture) + (type.Zone is null ? "" : "Z"),
        TypeKind.Decimal when type.Scale <= 28 && value > long.MinValue =>
            Text(new decimal((int)Math.Abs(value), (int)(Math.Abs(value) >> 32), 0, value < 0, (byte)type.Scale)),
        _ => Text(value),
    };

    private static Int128 Ticks(long value, DataType type) =>
        DateTime.UnixEpoch.Ticks + (type.Unit == TimeUnit.Nanosecond ? value / 100 : (Int128)value * TimeSpan.TicksPerMicrosecond);
}
