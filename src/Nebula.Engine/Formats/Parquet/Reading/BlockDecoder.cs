using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decodes blocks into batches. Holds nothing that changes: any number of threads may use it.</summary>
/// <param name="name">The file, for messages.</param>
/// <param name="metadata">Its footer.</param>
/// <param name="leaves">All leaves of the file.</param>
/// <param name="nodes">The columns wanted, in the order wanted.</param>
/// <param name="context">Limits and pool.</param>
internal sealed class BlockDecoder(string name, FileMetadata metadata, ImmutableArray<SchemaLeaf> leaves, ImmutableArray<SchemaNode> nodes, ReadContext context)
{
    // beyond this, the columns of a batch leave the caches
    private const long BatchBytes = 4 << 20;
    private readonly Schema _schema = new([.. nodes.Select(static node => node.ToField())]);

    /// <summary>Decodes a block.</summary>
    /// <param name="buffer">Its bytes.</param>
    /// <param name="block">What they are.</param>
    /// <param name="sink">Takes the batches.</param>
    /// <exception cref="Diagnostics.DataFormatException">The block cannot be decoded.</exception>
    public void Decode(PooledBuffer buffer, ParquetBlock block, IDecodeSink sink)
    {
        using var decompressor = new PageDecompressor(context.Pool, context.MaxRecordSize);
        foreach (var slice in block.Slices)
            DecodeSlice(buffer, slice, decompressor, sink);
    }

    private void DecodeSlice(PooledBuffer buffer, RowGroupSlice slice, PageDecompressor decompressor, IDecodeSink sink)
    {
        var readers = new LeafReader[nodes.Sum(static node => node.LeafCount)];
        var current = 0;
        try
        {
            for (var (n, i) = (0, 0); n < nodes.Length; n++)
                for (var leaf = nodes[n].FirstLeaf; leaf < nodes[n].FirstLeaf + nodes[n].LeafCount; leaf++, i++)
                {
                    current = i;
                    readers[i] = CreateReader(buffer, slice, slice.Chunks[i], leaves[leaf], nodes[n].Kind == SchemaNodeKind.Leaf, decompressor);
                }
            for (current = 0; current < readers.Length; current++)
                Skip(readers[current], slice.Chunks[current].SkippedRows);
            current = 0;
            var most = RowsPerBatch(slice.RowGroup);
            for (var done = 0; done < slice.Rows;)
            {
                var rows = Math.Min(most, slice.Rows - done);
                for (current = 0; current < readers.Length; current++)
                    rows = readers[current].RowsWithin(rows, BatchBytes);
                sink.Add(ReadBatch(readers, rows, ref current));
                done += rows;
            }
        }
        catch (ParquetFault fault)
        {
            var reader = current < readers.Length ? readers[current] : null;
            var at = reader?.FileOffset ?? (current < slice.Chunks.Length ? slice.Chunks[current].FileOffset : -1);
            throw fault.ToDataFormatException(name, $"row group {slice.RowGroup}", PathOf(current), at);
        }
        finally
        {
            foreach (var reader in readers)
                reader?.Dispose();
        }
    }

    private LeafReader CreateReader(PooledBuffer buffer, RowGroupSlice slice, ChunkSlice chunk, SchemaLeaf leaf, bool isTopLevel, PageDecompressor decompressor)
    {
        var codec = metadata.RowGroups[slice.RowGroup].Columns[leaf.Index].Metadata!.Codec;
        var keepsDictionary = isTopLevel && leaf.MaxRepetitionLevel == 0;
        return new LeafReader(leaf, new PageReader(buffer, chunk, codec, decompressor), chunk.StartsWithinRow, keepsDictionary, context.MaxRecordSize,
            context.Pool);
    }

    private RecordBatch ReadBatch(LeafReader[] readers, int rows, ref int current)
    {
        using var scope = new BufferScope();
        var columns = ImmutableArray.CreateBuilder<Column>(nodes.Length);
        current = 0;
        foreach (var node in nodes)
        {
            if (node.Kind == SchemaNodeKind.Leaf)
            {
                columns.Add(scope.Add(readers[current].ReadFlat(node.Type, rows)));
                current++;
            }
            else
            {
                var first = current;
                for (; current < first + node.LeafCount; current++)
                    readers[current].ReadNested(rows);
                current = first;
                columns.Add(scope.Add(new NestedAssembler(readers.AsSpan(first, node.LeafCount).ToArray(), node.FirstLeaf, context.Pool).Build(node)));
                current = first + node.LeafCount;
                if (columns[^1].Length != rows)
                    throw new ParquetFault($"there are {columns[^1].Length} rows where {rows} are announced");
            }
        }
        scope.Release();
        return new RecordBatch(_schema, columns.MoveToImmutable(), rows);
    }

    private static void Skip(LeafReader reader, int rows)
    {
        for (; rows > 0; rows -= IContainerReader.BatchRows)
            reader.Skip(Math.Min(rows, IContainerReader.BatchRows));
    }

    private int RowsPerBatch(int rowGroup)
    {
        var group = metadata.RowGroups[rowGroup];
        var bytes = 0L;
        foreach (var node in nodes)
            for (var leaf = node.FirstLeaf; leaf < node.FirstLeaf + node.LeafCount; leaf++)
                bytes += Math.Clamp(group.Columns[leaf].Metadata!.TotalUncompressedSize, 0, int.MaxValue);
        var perRow = Math.Max(1, bytes / Math.Max(1, group.RowCount));
        return (int)Math.Clamp(BatchBytes / perRow, 1, IContainerReader.BatchRows);
    }

    private string? PathOf(int position)
    {
        foreach (var node in nodes)
            if (position < node.LeafCount)
                return leaves[node.FirstLeaf + position].Path;
            else
                position -= node.LeafCount;
        return null;
    }
}
