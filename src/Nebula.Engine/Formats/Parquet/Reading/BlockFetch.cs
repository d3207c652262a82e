using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Collects the ranges of a file that a block needs, and reads them into one buffer: neighbours at once, in the order of the file.</summary>
internal sealed class BlockFetch
{
    private readonly List<Range> _ranges = [];

    /// <summary>Bytes of all ranges.</summary>
    public long Length { get; private set; }

    /// <summary>Where the first byte of all ranges is in the file.</summary>
    public long FileOffset => _ranges.Count == 0 ? 0 : _ranges.Min(static range => range.FileOffset);

    /// <summary>Adds a range behind those before.</summary>
    /// <param name="fileOffset">Where it is in the file.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>Where it will be in the buffer.</returns>
    /// <exception cref="ParquetFault">The buffer would be too large.</exception>
    public int Add(long fileOffset, long length)
    {
        var offset = Length;
        if (offset + length > BufferPool.MaxCapacity)
            throw new ParquetFault($"{offset + length} bytes cannot be read at once", -1, "Read fewer columns, or write the file with smaller row groups.");
        _ranges.Add(new Range(fileOffset, (int)offset, (int)length));
        Length += length;
        return (int)offset;
    }

    /// <summary>Reads all ranges.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="pool">Where the buffer comes from.</param>
    public PooledBuffer Read(IRandomAccess bytes, BufferPool pool)
    {
        using var scope = new BufferScope();
        var buffer = scope.Add(pool.Rent((int)Length));
        buffer.Length = (int)Length;
        _ranges.Sort(static (a, b) => a.FileOffset.CompareTo(b.FileOffset));
        for (var i = 0; i < _ranges.Count;)
        {
            var (fileOffset, bufferOffset, length) = _ranges[i++];
            for (; i < _ranges.Count && _ranges[i].FileOffset == fileOffset + length && _ranges[i].BufferOffset == bufferOffset + length; i++)
                length += _ranges[i].Length;
            if (length > 0)
                bytes.Read(fileOffset, buffer.Span.Slice(bufferOffset, length));
        }
        scope.Release();
        return buffer;
    }

    private readonly record struct Range(long FileOffset, int BufferOffset, int Length);
}
