using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Reads row groups of a file: fetches the pages of the wanted columns, small row groups together, large ones in several blocks.</summary>
internal sealed class ParquetReader : IContainerReader
{
    // larger row groups are cut: a page that lies across a cut is decompressed twice
    private const int LargestBlock = 4;
    private readonly CountedBytes _bytes;
    private readonly FileMetadata _metadata;
    private readonly ImmutableArray<SchemaLeaf> _leaves;
    private readonly ReadContext _context;
    private readonly BlockDecoder _decoder;
    private readonly int _end;
    private RowGroupPlan? _plan;
    private int _next;

    /// <summary>Starts before the first row group.</summary>
    /// <param name="bytes">The file. It stays the caller's.</param>
    /// <param name="metadata">Its footer.</param>
    /// <param name="leaves">All leaves of the file.</param>
    /// <param name="nodes">The columns wanted, in the order wanted.</param>
    /// <param name="first">First row group.</param>
    /// <param name="count">Number of row groups.</param>
    /// <param name="context">Limits and pool.</param>
    public ParquetReader(IRandomAccess bytes, FileMetadata metadata, ImmutableArray<SchemaLeaf> leaves, ImmutableArray<SchemaNode> nodes, int first,
        int count, ReadContext context)
    {
        (_bytes, _metadata, _context) = (new CountedBytes(bytes), metadata, context);
        _leaves = [.. nodes.SelectMany(node => leaves.Skip(node.FirstLeaf).Take(node.LeafCount))];
        _decoder = new BlockDecoder(bytes.Name, metadata, leaves, nodes, context);
        (_next, _end) = (first, first + count);
    }

    /// <inheritdoc/>
    public long BytesRead => _bytes.Count;

    /// <inheritdoc/>
    public RawBlock? Next()
    {
        var fetch = new BlockFetch();
        var slices = ImmutableArray.CreateBuilder<RowGroupSlice>();
        while (_plan is null && _next < _end)
        {
            var group = _metadata.RowGroups[_next];
            if (group.RowCount > 0)
            {
                var ranges = RangesOf(_next, out var bytes);
                if (slices.Count > 0 && fetch.Length + bytes > _context.BlockSize)
                    break;
                if (bytes > (long)LargestBlock * _context.BlockSize)
                    _plan = Plan(_next, ranges);
                else
                    slices.Add(Whole(_next, ranges, fetch));
            }
            _next++;
        }
        if (slices.Count == 0 && !AddPlanned(slices, fetch))
            return null;
        return new RawBlock(fetch.Read(_bytes, _context.Pool), new SourcePosition(_bytes.Name, fetch.FileOffset))
        {
            Detail = new ParquetBlock(slices.DrainToImmutable()),
        };
    }

    /// <inheritdoc/>
    public void Decode(RawBlock block, IDecodeSink sink) => _decoder.Decode(block.Buffer, (ParquetBlock)block.Detail!, sink);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private bool AddPlanned(ImmutableArray<RowGroupSlice>.Builder slices, BlockFetch fetch)
    {
        if (_plan is null)
            return false;
        try
        {
            slices.Add(_plan.Next(fetch));
        }
        catch (ParquetFault fault)
        {
            throw fault.ToDataFormatException(_bytes.Name, $"row group {_next - 1}");
        }
        if (_plan.IsDone)
            _plan = null;
        return true;
    }

    private ChunkRange[] RangesOf(int group, out long bytes)
    {
        var ranges = new ChunkRange[_leaves.Length];
        bytes = 0;
        for (var i = 0; i < ranges.Length; i++)
            try
            {
                ranges[i] = ChunkRange.Of(_metadata.RowGroups[group].Columns[_leaves[i].Index], _leaves[i], _metadata, _bytes.Length);
                bytes += ranges[i].Length;
            }
            catch (ParquetFault fault)
            {
                throw fault.ToDataFormatException(_bytes.Name, $"row group {group}", _leaves[i].Path);
            }
        return ranges;
    }

    private RowGroupSlice Whole(int group, ChunkRange[] ranges, BlockFetch fetch)
    {
        var chunks = ImmutableArray.CreateBuilder<ChunkSlice>(ranges.Length);
        foreach (var range in ranges)
            try
            {
                chunks.Add(new ChunkSlice(fetch.Add(range.Start, range.Length), (int)range.Length, range.Start));
            }
            catch (ParquetFault fault)
            {
                throw fault.ToDataFormatException(_bytes.Name, $"row group {group}");
            }
        return new RowGroupSlice(group, 0, (int)_metadata.RowGroups[group].RowCount, chunks.MoveToImmutable());
    }

    private RowGroupPlan Plan(int group, ChunkRange[] ranges)
    {
        using var decompressor = new PageDecompressor(_context.Pool, _context.MaxRecordSize);
        using var scanner = new PageScanner(_bytes, decompressor, _context.Pool);
        var maps = ImmutableArray.CreateBuilder<PageMap>(ranges.Length);
        var rows = _metadata.RowGroups[group].RowCount;
        for (var i = 0; i < ranges.Length; i++)
        {
            var chunk = _metadata.RowGroups[group].Columns[_leaves[i].Index];
            try
            {
                maps.Add(Indexed(chunk, ranges[i]) ?? scanner.Scan(ranges[i], _leaves[i], chunk.Metadata!.Codec, rows));
            }
            catch (ParquetFault fault)
            {
                throw fault.ToDataFormatException(_bytes.Name, $"row group {group}", _leaves[i].Path, ranges[i].Start);
            }
        }
        return new RowGroupPlan(group, rows, maps.MoveToImmutable(), 2L * _context.BlockSize);
    }

    /// <summary>The pages as the offset index tells; null when there is none that can be used.</summary>
    private PageMap? Indexed(ColumnChunk chunk, ChunkRange range)
    {
        if (chunk is not { OffsetIndexOffset: { } offset, OffsetIndexLength: > 0 and { } length } || offset < 0 || offset > _bytes.Length - length)
            return null;
        var index = new byte[length];
        _bytes.Read(offset, index);
        try
        {
            return PageMap.From(PageIndexReader.ReadOffsetIndex(index), range);
        }
        catch (ParquetFault)
        {
            // pages can be found without it
            return null;
        }
    }

    /// <summary>A file whose reads are counted.</summary>
    private sealed class CountedBytes(IRandomAccess bytes) : IRandomAccess
    {
        private long _count;

        public string Name => bytes.Name;

        public long Length => bytes.Length;

        public long Count => Interlocked.Read(ref _count);

        public void Read(long offset, Span<byte> target)
        {
            bytes.Read(offset, target);
            Interlocked.Add(ref _count, target.Length);
        }

        public void Dispose()
        {
        }
    }
}
