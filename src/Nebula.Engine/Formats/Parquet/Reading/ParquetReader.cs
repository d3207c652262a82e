using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Reads row groups of a file: fetches the pages of the wanted columns, small row groups together, large ones in several blocks.</summary>
internal sealed class ParquetReader : IContainerReader
{
    private readonly IRandomAccess _bytes;
    private readonly FileMetadata _metadata;
    private readonly ImmutableArray<SchemaLeaf> _leaves;
    private readonly ReadContext _context;
    private readonly BlockDecoder _decoder;
    private readonly int _end;
    private int _next;

    /// <summary>Starts before the first row group.</summary>
    /// <param name="bytes">The file. It stays the caller's.</param>
    /// <param name="metadata">Its footer.</param>
    /// <param name="leaves">All leaves of the file.</param>
    /// <param name="nodes">The columns wanted, in the order wanted.</param>
    /// <param name="first">First row group.</param>
    /// <param name="count">Number of row groups.</param>
    /// <param name="context">Limits and pool.</param>
    public ParquetReader(IRandomAccess bytes, FileMetadata metadata, ImmutableArray<SchemaLeaf> leaves, ImmutableArray<SchemaNode> nodes, int first, int count, ReadContext context)
    {
        (_bytes, _metadata, _context) = (bytes, metadata, context);
        _leaves = [.. nodes.SelectMany(node => leaves.Skip(node.FirstLeaf).Take(node.LeafCount))];
        _decoder = new BlockDecoder(bytes.Name, metadata, leaves, nodes, context);
        (_next, _end) = (first, first + count);
    }

    /// <inheritdoc/>
    public long BytesRead { get; private set; }

    /// <inheritdoc/>
    public RawBlock? Next()
    {
        var groups = new List<int>();
        var ranges = new List<ChunkRange>();
        var bytes = 0L;
        for (; _next < _end; _next++)
        {
            if (_metadata.RowGroups[_next].RowCount == 0)
                continue;
            var before = ranges.Count;
            bytes += AddRanges(_next, ranges);
            if (groups.Count > 0 && bytes > _context.BlockSize)
            {
                ranges.RemoveRange(before, ranges.Count - before);
                break;
            }
            groups.Add(_next);
        }
        return groups.Count == 0 ? null : Fetch(groups, ranges);
    }

    /// <inheritdoc/>
    public void Decode(RawBlock block, IDecodeSink sink) => _decoder.Decode(block.Buffer, (ParquetBlock)block.Detail!, sink);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private long AddRanges(int group, List<ChunkRange> ranges)
    {
        var bytes = 0L;
        foreach (var leaf in _leaves)
            try
            {
                var range = ChunkRange.Of(_metadata.RowGroups[group].Columns[leaf.Index], leaf, _metadata, _bytes.Length);
                ranges.Add(range);
                bytes += range.Length;
            }
            catch (ParquetFault fault)
            {
                throw fault.ToDataFormatException(_bytes.Name, $"row group {group}", leaf.Path);
            }
        return bytes;
    }

    private RawBlock Fetch(List<int> groups, List<ChunkRange> ranges)
    {
        var total = ranges.Sum(static range => range.Length);
        if (total > BufferPool.MaxCapacity)
            throw new ParquetFault($"{total} bytes are too many at once").ToDataFormatException(_bytes.Name, $"row group {groups[0]}");
        using var scope = new BufferScope();
        var buffer = scope.Add(_context.Pool.Rent((int)total));
        buffer.Length = (int)total;
        var slices = ImmutableArray.CreateBuilder<RowGroupSlice>(groups.Count);
        var chunks = new ChunkSlice[ranges.Count];
        Place(ranges, chunks, buffer);
        for (var i = 0; i < groups.Count; i++)
            slices.Add(new RowGroupSlice(groups[i], 0, (int)_metadata.RowGroups[groups[i]].RowCount, [.. chunks.AsSpan(i * _leaves.Length, _leaves.Length)]));
        scope.Release();
        return new RawBlock(buffer, new SourcePosition(_bytes.Name, ranges.Count == 0 ? 0 : ranges.Min(static range => range.Start)))
        {
            Detail = new ParquetBlock(slices.MoveToImmutable()),
        };
    }

    /// <summary>Reads ranges in the order of the file, neighbours at once.</summary>
    private void Place(List<ChunkRange> ranges, ChunkSlice[] chunks, PooledBuffer buffer)
    {
        var order = Enumerable.Range(0, ranges.Count).OrderBy(i => ranges[i].Start).ToArray();
        var (at, runStart, runFileStart) = (0, 0, 0L);
        for (var i = 0; i < order.Length; i++)
        {
            var range = ranges[order[i]];
            if (i > 0 && range.Start != runFileStart + (at - runStart))
            {
                Read(runFileStart, buffer.Span[runStart..at]);
                (runStart, runFileStart) = (at, range.Start);
            }
            else if (i == 0)
                runFileStart = range.Start;
            chunks[order[i]] = new ChunkSlice(at, (int)range.Length, range.Start);
            at += (int)range.Length;
        }
        Read(runFileStart, buffer.Span[runStart..at]);
    }

    private void Read(long offset, Span<byte> target)
    {
        if (target.IsEmpty)
            return;
        _bytes.Read(offset, target);
        BytesRead += target.Length;
    }
}
