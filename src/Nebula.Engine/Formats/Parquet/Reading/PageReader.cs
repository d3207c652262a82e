using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Goes through the pages of a column chunk, or of a part of one: header, checksum, decompression.</summary>
internal sealed unsafe class PageReader : IDisposable
{
    private readonly PageDecompressor _decompressor;
    private readonly PageCodec _codec;
    private readonly byte* _start;
    private readonly byte* _end;
    private readonly ChunkSlice _slice;
    private PooledBuffer? _decompressed;
    private byte* _at;
    private byte* _page;

    /// <summary>Starts at the first page.</summary>
    /// <param name="block">The bytes of the block.</param>
    /// <param name="slice">Which of them are the pages.</param>
    /// <param name="codec">How they are compressed.</param>
    /// <param name="decompressor">Decompresses them.</param>
    public PageReader(PooledBuffer block, ChunkSlice slice, PageCodec codec, PageDecompressor decompressor)
    {
        PageDecompressor.Require(codec);
        (_slice, _codec, _decompressor) = (slice, codec, decompressor);
        _start = block.Pointer + slice.BufferOffset;
        _end = _start + slice.Length;
        _at = _start;
        _page = _start;
    }

    /// <summary>Header of the current page.</summary>
    public PageHeader Header { get; private set; }

    /// <summary>The bytes of the current page: levels and values.</summary>
    public byte* Data { get; private set; }

    /// <summary>Behind the last byte of the current page.</summary>
    public byte* DataEnd { get; private set; }

    /// <summary>Where the current page, or what should be one, begins in the file.</summary>
    public long FileOffset => _slice.FileOffsetOf((int)(_page - _start));

    /// <summary>Whether bytes are left behind the current page.</summary>
    public bool HasMore => _at < _end;

    /// <summary>Goes to the next page that is not empty or an index.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="ParquetFault">The page is damaged.</exception>
    public bool MoveNext()
    {
        while (_at < _end)
        {
            _page = _at;
            Header = PageHeaderReader.Read(new ReadOnlySpan<byte>(_at, (int)(_end - _at)), out var length);
            _at += length;
            if (Header.CompressedSize > _end - _at)
                throw new ParquetFault($"a page of {Header.CompressedSize} bytes is announced where {_end - _at} are left", length);
            var stored = new ReadOnlySpan<byte>(_at, Header.CompressedSize);
            _at += Header.CompressedSize;
            if (Header.Type is not (PageType.Data or PageType.DataV2 or PageType.Dictionary))
                continue;
            if (Header.Crc is { } crc && Crc32.Update(0, stored) is var actual && actual != crc)
                throw new ParquetFault($"the checksum of a page is 0x{actual:X8}, but 0x{crc:X8} is stored");
            if (Header.ValueCount == 0 && Header.Type != PageType.Dictionary)
                continue;
            Load(stored);
            return true;
        }
        return false;
    }

    /// <summary>How many values follow in pages behind the current one that can come into one batch with it, as far as their headers tell.</summary>
    /// <param name="wanted">Where to stop counting.</param>
    /// <param name="values">Knows what can come into one batch.</param>
    public int CountAhead(int wanted, LeafValues values)
    {
        var counted = 0;
        try
        {
            for (var at = _at; counted < wanted && at < _end;)
            {
                var header = PageHeaderReader.Read(new ReadOnlySpan<byte>(at, (int)(_end - at)), out var length);
                if (header.Type is PageType.Data or PageType.DataV2)
                {
                    if (!values.CanContinueWith(header.Encoding))
                        return counted;
                    counted = (int)Math.Min(wanted, counted + (long)header.ValueCount);
                }
                if (header.CompressedSize > _end - at - length)
                    return counted;
                at += length + header.CompressedSize;
            }
            return wanted;
        }
        catch (ParquetFault)
        {
            // whoever reads on to that page tells what is wrong with it
            return wanted;
        }
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose() => _decompressed?.Dispose();

    private void Load(ReadOnlySpan<byte> stored)
    {
        var levels = 0;
        if (Header.Type == PageType.DataV2)
        {
            var both = (long)Header.DefinitionLevelsLength + Header.RepetitionLevelsLength;
            if (both > stored.Length || both > Header.UncompressedSize)
                throw new ParquetFault($"a page of {stored.Length} bytes announces {both} bytes of levels");
            levels = (int)both;
        }
        if (_codec == PageCodec.Uncompressed || !Header.IsCompressed)
        {
            if (stored.Length != Header.UncompressedSize)
                throw new ParquetFault($"a page that is not compressed announces {Header.UncompressedSize} bytes and has {stored.Length}");
            fixed (byte* data = stored)
                Data = data;
            DataEnd = Data + stored.Length;
            return;
        }
        var size = Header.UncompressedSize - levels;
        _decompressor.RequireSize(Header.UncompressedSize);
        _decompressor.Reserve(ref _decompressed, 0, levels);
        stored[..levels].CopyTo(_decompressed!.Span);
        if (size > 0)
            _decompressor.Decompress(_codec, stored[levels..], size, ref _decompressed, levels);
        Data = _decompressed!.Pointer;
        DataEnd = Data + Header.UncompressedSize;
    }
}
