using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// One file: magic, row groups, Bloom filters, column indexes, offset indexes, footer, length of the footer, magic (README.md of the format, "File
/// format").
/// </summary>
/// <param name="encoder">What makes the row groups.</param>
internal sealed class ParquetFileFrame(ParquetBlockEncoder encoder) : IFileFrame
{
    // 2: encodings and meanings beyond those of the first version are used
    private const int Version = 2;
    private static readonly string Program = $"nebula version {typeof(ParquetFileFrame).Assembly.GetName().Version?.ToString(3)}";
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
        _groups.Add(new PlacedGroup(output.Position, group));
        output.Write(block);
    }

    /// <inheritdoc/>
    public void End(IFileOutput output)
    {
        var chunks = _groups.Select(static group => group.Encoded.Chunks.Select(chunk => Place(chunk, group.Offset)).ToArray()).ToArray();
        var writer = new ThriftCompactWriter();
        for (var g = 0; g < _groups.Count; g++)
            for (var c = 0; c < chunks[g].Length; c++)
                if (_groups[g].Encoded.Chunks[c].BloomFilter is { } filter)
                    chunks[g][c] = WriteBloomFilter(chunks[g][c], filter, writer, output);
        // all column indexes together, then all offset indexes: a reader fetches each kind at once
        for (var g = 0; g < _groups.Count; g++)
            for (var c = 0; c < chunks[g].Length; c++)
                if (_groups[g].Encoded.Chunks[c].ColumnIndex is { } index)
                {
                    writer.Clear();
                    PageIndexWriter.Write(index, writer);
                    chunks[g][c] = chunks[g][c] with { ColumnIndexOffset = output.Position, ColumnIndexLength = writer.Length };
                    output.Write(writer.Written);
                }
        for (var g = 0; g < _groups.Count; g++)
            for (var c = 0; c < chunks[g].Length; c++)
            {
                writer.Clear();
                PageIndexWriter.Write(_groups[g].Encoded.Chunks[c].OffsetIndex, _groups[g].Offset, writer);
                chunks[g][c] = chunks[g][c] with { OffsetIndexOffset = output.Position, OffsetIndexLength = writer.Length };
                output.Write(writer.Written);
            }
        writer.Clear();
        FileMetadataWriter.Write(Footer(chunks), writer);
        writer.RawInt32(writer.Length);
        writer.Raw(Magic);
        output.Write(writer.Written);
    }

    private static ColumnChunk Place(EncodedChunk chunk, long offset) => new()
    {
        Metadata = chunk.Metadata with
        {
            DataPageOffset = offset + chunk.Metadata.DataPageOffset,
            DictionaryPageOffset = offset + chunk.Metadata.DictionaryPageOffset,
        },
    };

    private static ColumnChunk WriteBloomFilter(ColumnChunk chunk, BloomFilter filter, ThriftCompactWriter writer, IFileOutput output)
    {
        writer.Clear();
        PageIndexWriter.Write(new BloomFilterHeader(filter.Bytes.Length), writer);
        var metadata = chunk.Metadata! with { BloomFilterOffset = output.Position, BloomFilterLength = writer.Length + filter.Bytes.Length };
        output.Write(writer.Written);
        output.Write(filter.Bytes);
        return chunk with { Metadata = metadata };
    }

    private FileMetadata Footer(ColumnChunk[][] chunks) => new()
    {
        Version = Version,
        Schema = encoder.Schema.Elements,
        RowCount = _groups.Sum(static group => (long)group.Encoded.Rows),
        RowGroups = [.. _groups.Select((group, i) => new RowGroup
        {
            Columns = ImmutableArray.Create(chunks[i]),
            TotalByteSize = chunks[i].Sum(static chunk => chunk.Metadata!.TotalUncompressedSize),
            TotalCompressedSize = chunks[i].Sum(static chunk => chunk.Metadata!.TotalCompressedSize),
            RowCount = group.Encoded.Rows,
            SortingColumns = [.. encoder.SortingColumns],
            FileOffset = group.Offset,
            // the number is 16 bits wide in the format: beyond that it is left out
            Ordinal = i <= short.MaxValue ? (short)i : null,
        })],
        KeyValues = [.. encoder.Notes],
        CreatedBy = Program,
        ColumnOrders = [.. encoder.Schema.Leaves.Select(static _ => ColumnOrder.TypeDefined)],
    };

    /// <summary>A row group that was written.</summary>
    /// <param name="Offset">Where it starts.</param>
    /// <param name="Encoded">What is known about it.</param>
    private sealed record PlacedGroup(long Offset, EncodedRowGroup Encoded);
}
