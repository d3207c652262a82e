using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Finds the pages of column chunks that have no usable offset index, by going from header to header.</summary>
/// <param name="bytes">The file.</param>
/// <param name="decompressor">Decompresses pages whose rows only their levels tell.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class PageScanner(IRandomAccess bytes, PageDecompressor decompressor, BufferPool pool) : IDisposable
{
    private const int WindowLength = 4 << 10;
    private const int LargestHeader = 16 << 20;
    private readonly uint[] _levels = new uint[4096 + 16];
    private PooledBuffer? _window;
    private long _windowStart;

    /// <summary>Finds the pages of a chunk.</summary>
    /// <param name="range">Where it is.</param>
    /// <param name="leaf">What it holds.</param>
    /// <param name="codec">How its pages are compressed.</param>
    /// <param name="rows">Rows of the row group: pages behind are not looked for.</param>
    /// <exception cref="ParquetFault">A page is damaged.</exception>
    public PageMap Scan(ChunkRange range, SchemaLeaf leaf, PageCodec codec, long rows)
    {
        var pages = ImmutableArray.CreateBuilder<PageSpan>();
        var (at, row) = (range.Start, 0L);
        var (dictionaryStart, dictionaryLength) = (range.Start, 0);
        while (at < range.End && (row < rows || leaf.MaxRepetitionLevel > 0))
        {
            if (!TryReadHeader(at, range.End, out var header, out var headerLength))
            {
                // what stands behind the pages of all rows is nobody's business
                if (row >= rows)
                    break;
                throw new ParquetFault("a page is expected, and the bytes are not the header of one", at - range.Start);
            }
            var length = headerLength + (long)header.CompressedSize;
            if (row >= rows && length > range.End - at)
                break;
            if (length > range.End - at || length > BufferPool.MaxCapacity)
                throw new ParquetFault($"a page of {header.CompressedSize} bytes is announced where {range.End - at - headerLength} are left");
            if (header.Type == PageType.Dictionary)
                (dictionaryStart, dictionaryLength) = (at, (int)length);
            else if (header.Type is PageType.Data or PageType.DataV2 && header.ValueCount > 0)
            {
                var startsWithinRow = false;
                long count = header.ValueCount;
                if (leaf.MaxRepetitionLevel > 0 && header.Type == PageType.DataV2)
                    count = header.RowCount;
                else if (leaf.MaxRepetitionLevel > 0)
                    count = CountRows(at, (int)length, leaf, codec, out startsWithinRow);
                pages.Add(new PageSpan(at, (int)length, startsWithinRow ? Math.Max(row - 1, 0) : row, startsWithinRow));
                row += count;
            }
            at += length;
        }
        return new PageMap(dictionaryStart, dictionaryLength, pages.DrainToImmutable());
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose()
    {
        _window?.Dispose();
        _window = null;
    }

    private bool TryReadHeader(long at, long end, out PageHeader header, out int length)
    {
        for (var wanted = Math.Min(256, end - at); ; wanted = Math.Min(8 * wanted, end - at))
        {
            var source = Look(at, (int)wanted, end);
            try
            {
                header = PageHeaderReader.Read(source, out length);
                return true;
            }
            catch (ParquetFault)
            {
                // a header with long statistics may go on behind what was looked at
                if (source.Length < end - at && wanted < LargestHeader)
                    continue;
                (header, length) = (default, 0);
                return false;
            }
        }
    }

    /// <summary>Bytes of the file, at least as many as wanted.</summary>
    private ReadOnlySpan<byte> Look(long at, int wanted, long end)
    {
        if (_window is not null && at >= _windowStart && at + wanted <= _windowStart + _window.Length)
            return _window.Content[(int)(at - _windowStart)..];
        var length = (int)Math.Min(Math.Max(WindowLength, wanted), end - at);
        _window?.Dispose();
        _window = null;
        var window = pool.Rent(length);
        try
        {
            bytes.Read(at, window.Span[..length]);
        }
        catch
        {
            window.Dispose();
            throw;
        }
        window.Length = length;
        (_window, _windowStart) = (window, at);
        return window.Content;
    }

    private int CountRows(long at, int length, SchemaLeaf leaf, PageCodec codec, out bool startsWithinRow)
    {
        using var page = pool.Rent(length);
        bytes.Read(at, page.Span[..length]);
        page.Length = length;
        using var reader = new PageReader(page, new ChunkSlice(0, length, at), codec, decompressor);
        startsWithinRow = false;
        if (!reader.MoveNext())
            return 0;
        var data = reader.Data;
        var repetition = LevelReader.Start(reader.Header.RepetitionLevelEncoding, leaf.MaxRepetitionLevel, reader.Header.ValueCount, ref data, reader.DataEnd);
        var rows = 0;
        fixed (uint* levels = _levels)
            for (var left = reader.Header.ValueCount; left > 0;)
            {
                var piece = Math.Min(left, _levels.Length - 16);
                repetition.Read(levels, piece);
                if (left == reader.Header.ValueCount)
                    startsWithinRow = levels[0] != 0;
                rows += new ReadOnlySpan<uint>(levels, piece).Count(0U);
                left -= piece;
            }
        return rows;
    }
}
