using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// One file: magic, row groups, each with its Bloom filters behind it, column indexes, offset indexes, footer, length of the footer, magic (README.md of the
/// format, "File format"; BloomFilter.md, "File Format").
/// </summary>
/// <param name="encoder">What makes the row groups.</param>
internal sealed class ParquetFileFrame(ParquetBlockEncoder encoder) : IFileFrame
{
    // 2: encodings and meanings beyond those of the first version are used
    private const int Version = 2;
    private static readonly string Program = $"nebula version {typeof(ParquetFileFrame).Assembly.GetName().Version?.ToString(3)}";
    private readonly ThriftCompactWriter _writer = new();
    private readonly List<PlacedGroup> _groups = [];

    private static ReadOnlySpan<byte> Magic => "PAR1"u8;

    /// <inheritdoc/>
    public void Begin(IFileOutput output) => output.Write(Magic);

    /// <inheritdoc/>
    public void Add(EncodedBlock block, IFileOutput output)
    {
        var group = (EncodedRowGroup)block.Metadata!;
        if (group.Rows == 0)
            return;
        var offset = output.Position;
        output.Write(block);
        // as bytes all that must wait for the end is a small part of the objects it comes in: with thousands of columns those would fill the memory
        _groups.Add(new PlacedGroup
        {
            Group = new RowGroup
            {
                Columns = [],
                TotalByteSize = group.Chunks.Sum(static chunk => chunk.Metadata.TotalUncompressedSize),
                TotalCompressedSize = group.Chunks.Sum(static chunk => chunk.Metadata.TotalCompressedSize),
                RowCount = group.Rows,
                SortingColumns = [.. encoder.SortingColumns],
                FileOffset = offset,
                // the number is 16 bits wide in the format: beyond that it is left out
                Ordinal = _groups.Count <= short.MaxValue ? (short)_groups.Count : null,
            },
            Chunks = Encode(group.Chunks, chunk => FileMetadataWriter.Write(WriteBloomFilter(chunk, Place(chunk.Metadata, offset), output), _writer)),
            ColumnIndexes = Encode(group.Chunks, chunk =>
            {
                if (chunk.ColumnIndex is { } index)
                    PageIndexWriter.Write(index, _writer);
            }),
            OffsetIndexes = Encode(group.Chunks, chunk => PageIndexWriter.Write(chunk.OffsetIndex, offset, _writer)),
        });
    }

    /// <inheritdoc/>
    public void End(IFileOutput output)
    {
        // all column indexes together, then all offset indexes: a reader fetches each kind at once
        var columnIndexes = output.Position;
        foreach (var placed in _groups)
            output.Write(placed.ColumnIndexes.Bytes);
        var offsetIndexes = output.Position;
        foreach (var placed in _groups)
            output.Write(placed.OffsetIndexes.Bytes);
        var start = output.Position;
        _writer.Clear();
        var footer = Footer();
        FileMetadataWriter.Begin(footer, _groups.Count, _writer);
        foreach (var placed in _groups)
        {
            FileMetadataWriter.BeginRowGroup(placed.Chunks.Count, _writer);
            for (var i = 0; i < placed.Chunks.Count; i++)
            {
                var (columnIndex, offsetIndex) = (placed.ColumnIndexes[i].Length, placed.OffsetIndexes[i].Length);
                FileMetadataWriter.Write(placed.Chunks[i], new ColumnChunk
                {
                    ColumnIndexOffset = columnIndex > 0 ? columnIndexes : null,
                    ColumnIndexLength = columnIndex > 0 ? columnIndex : null,
                    OffsetIndexOffset = offsetIndexes,
                    OffsetIndexLength = offsetIndex,
                }, _writer);
                columnIndexes += columnIndex;
                offsetIndexes += offsetIndex;
            }
            FileMetadataWriter.EndRowGroup(placed.Group, _writer);
            output.Write(_writer.Written);
            _writer.Drop();
        }
        FileMetadataWriter.End(footer, _writer);
        output.Write(_writer.Written);
        _writer.Clear();
        _writer.RawInt32(checked((int)(output.Position - start)));
        _writer.Raw(Magic);
        output.Write(_writer.Written);
    }

    private static ColumnMetadata Place(ColumnMetadata chunk, long offset) => chunk with
    {
        DataPageOffset = offset + chunk.DataPageOffset,
        DictionaryPageOffset = offset + chunk.DictionaryPageOffset,
    };

    /// <summary>Writes the Bloom filter of a chunk, where it has one.</summary>
    /// <returns>The metadata of the chunk, which says where the filter is.</returns>
    private static ColumnMetadata WriteBloomFilter(EncodedChunk chunk, ColumnMetadata metadata, IFileOutput output)
    {
        if (chunk.BloomFilter is not { } filter)
            return metadata;
        var header = new ThriftCompactWriter();
        PageIndexWriter.Write(new BloomFilterHeader(filter.Bytes.Length), header);
        metadata = metadata with { BloomFilterOffset = output.Position, BloomFilterLength = header.Length + filter.Bytes.Length };
        output.Write(header.Written);
        output.Write(filter.Bytes);
        return metadata;
    }

    private EncodedStructs Encode(IReadOnlyList<EncodedChunk> chunks, Action<EncodedChunk> write)
    {
        _writer.Clear();
        var ends = new int[chunks.Count];
        for (var i = 0; i < ends.Length; i++)
        {
            write(chunks[i]);
            ends[i] = _writer.Length;
        }
        return new EncodedStructs(_writer.Written.ToArray(), ends);
    }

    private FileMetadata Footer() => new()
    {
        Version = Version,
        Schema = encoder.Schema.Elements,
        RowCount = _groups.Sum(static placed => placed.Group.RowCount),
        RowGroups = [],
        KeyValues = [.. encoder.Notes],
        CreatedBy = Program,
        ColumnOrders = [.. encoder.Schema.Leaves.Select(static _ => ColumnOrder.TypeDefined)],
    };

    /// <summary>A row group that was written, and what must be written of it at the end.</summary>
    private sealed class PlacedGroup
    {
        /// <summary>The row group, without its chunks.</summary>
        public required RowGroup Group { get; init; }

        /// <summary>The metadata of its chunks.</summary>
        public required EncodedStructs Chunks { get; init; }

        /// <summary>Bounds of their pages; empty where they are not known.</summary>
        public required EncodedStructs ColumnIndexes { get; init; }

        /// <summary>Where their pages are.</summary>
        public required EncodedStructs OffsetIndexes { get; init; }
    }
}
