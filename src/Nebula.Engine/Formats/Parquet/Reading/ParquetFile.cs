using System.Buffers.Binary;
using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>An open file.</summary>
internal sealed class ParquetFile : IContainerFile
{
    /// <summary>What a file begins and ends with.</summary>
    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    private const int TrailerLength = 8;
    private readonly IRandomAccess _bytes;
    private readonly FileMetadata _metadata;
    private readonly ImmutableArray<SchemaLeaf> _leaves;
    private readonly ImmutableArray<SchemaNode> _nodes;

    private ParquetFile(IRandomAccess bytes, FileMetadata metadata, ImmutableArray<SchemaNode> nodes, ImmutableArray<SchemaLeaf> leaves)
    {
        (_bytes, _metadata, _nodes, _leaves) = (bytes, metadata, nodes, leaves);
        Schema = new Schema([.. nodes.Select(static node => node.ToField())]);
        Parts = [.. metadata.RowGroups.Select(PartOf)];
    }

    private static ReadOnlySpan<byte> EncryptedMagic => "PARE"u8;

    /// <inheritdoc/>
    public Schema Schema { get; }

    /// <inheritdoc/>
    // some writers leave the count of the file at 0
    public long? Rows => _metadata.RowGroups.Sum(static group => group.RowCount);

    /// <inheritdoc/>
    public IReadOnlyList<ContainerPart> Parts { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="bytes">The file, which belongs to the result, also when this throws.</param>
    /// <param name="options">What the user wants.</param>
    /// <exception cref="DataFormatException">The file is not Parquet, damaged, or encrypted.</exception>
    public static ParquetFile Open(IRandomAccess bytes, ParquetReadOptions options)
    {
        var footerStart = -1L;
        try
        {
            var footer = ReadFooter(bytes, out footerStart);
            var metadata = FileMetadataReader.Read(footer);
            var nodes = SchemaTree.Build(metadata.Schema, options, out var leaves);
            Check(metadata, leaves);
            return new ParquetFile(bytes, metadata, nodes, leaves);
        }
        catch (ParquetFault fault)
        {
            bytes.Dispose();
            throw fault.ToDataFormatException(bytes.Name, "the file", null, fault.Offset < 0 ? -1 : Math.Max(footerStart, 0));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public FileInspection Inspect() => new ParquetInspector(_bytes, _metadata, _nodes, _leaves).Inspect();

    /// <inheritdoc/>
    public IContainerReader OpenReader(ImmutableArray<int> columns, int firstPart, int? partCount, ReadContext context)
    {
        var nodes = columns.Select(column => _nodes[column]).ToImmutableArray();
        foreach (var node in nodes)
            foreach (var leaf in _leaves.AsSpan().Slice(node.FirstLeaf, node.LeafCount))
                if (leaf.Type.Refusal is { } refusal)
                    throw new ParquetFault(refusal, -1, "Leave out the column.").ToDataFormatException(_bytes.Name, "the file", leaf.Path);
        return new ParquetReader(_bytes, _metadata, _leaves, nodes, firstPart, partCount ?? _metadata.RowGroups.Length - firstPart, context);
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private static byte[] ReadFooter(IRandomAccess bytes, out long start)
    {
        start = 0;
        Span<byte> trailer = stackalloc byte[TrailerLength];
        if (bytes.Length < Magic.Length + TrailerLength)
            throw new ParquetFault($"it has {bytes.Length} bytes, fewer than the shortest Parquet file", 0);
        Span<byte> head = stackalloc byte[4];
        bytes.Read(0, head);
        start = bytes.Length - TrailerLength;
        bytes.Read(start, trailer);
        if (trailer[4..].SequenceEqual(EncryptedMagic) || head.SequenceEqual(EncryptedMagic))
            throw new ParquetFault("its footer is encrypted, which is not supported", 0, "Write the file without encryption.");
        if (!head.SequenceEqual(Magic))
            throw new ParquetFault($"it begins with {DataFormatException.Show(head)} instead of 'PAR1'", -1, "It is not a Parquet file, or damaged.");
        if (!trailer[4..].SequenceEqual(Magic))
            throw new ParquetFault($"it ends with {DataFormatException.Show(trailer[4..])} instead of 'PAR1'", 4,
                "It was cut off, or its writer did not finish.");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        if (length > bytes.Length - TrailerLength - Magic.Length)
            throw new ParquetFault($"its footer announces {length} bytes in a file of {bytes.Length}", 0);
        start -= length;
        var footer = new byte[length];
        bytes.Read(start, footer);
        return footer;
    }

    private static void Check(FileMetadata metadata, ImmutableArray<SchemaLeaf> leaves)
    {
        for (var i = 0; i < metadata.RowGroups.Length; i++)
        {
            var group = metadata.RowGroups[i];
            if (group.RowCount is < 0 or > int.MaxValue)
                throw new ParquetFault($"row group {i} announces {group.RowCount} rows, and at most {int.MaxValue} are supported");
            if (group.Columns.Length != leaves.Length)
                throw new ParquetFault($"row group {i} has {group.Columns.Length} columns where the schema has {leaves.Length}");
        }
    }

    /// <summary>Where a row group is.</summary>
    /// <param name="group">The row group.</param>
    public static ContainerPart PartOf(RowGroup group)
    {
        var (start, bytes) = (long.MaxValue, 0L);
        foreach (var chunk in group.Columns)
            if (chunk.Metadata is { } metadata)
            {
                start = Math.Min(start, metadata.DictionaryPageOffset is > 0 and var dictionary ? Math.Min(dictionary, metadata.DataPageOffset)
                    : metadata.DataPageOffset);
                bytes += Math.Clamp(metadata.TotalCompressedSize, 0, long.MaxValue / 2 - bytes);
            }
        return new ContainerPart(start == long.MaxValue ? 0 : start, bytes, group.RowCount);
    }
}
