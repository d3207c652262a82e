using System.Buffers.Binary;
using System.Security.Cryptography;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Xz;

/// <summary>Decodes streams of the .xz file format 1.2.1 with the filter LZMA2, one after the other. Sizes and checksums are verified.</summary>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class XzDecompressor(BufferPool pool) : Decompressor
{
    private const int StreamHeaderSize = 12;
    private const int Lzma2Filter = 0x21;
    private const int MaxIndexNumber = 9;
    private readonly Lzma2Decoder _lzma = new(pool);
    private readonly List<(long Unpadded, long Uncompressed)> _blocks = [];
    private IncrementalHash? _sha256;
    private Part _part;
    private byte _check;
    private ulong _checksum;
    private long _headerSize;
    private long _compressed;
    private long _uncompressed;
    private long? _expectedCompressed;
    private long? _expectedUncompressed;
    private long _indexSize;
    private bool _hasEnded;

    private enum Part
    {
        StreamHeader,
        BlockHeader,
        Chunks,
        BlockEnd,
        Index,
        Footer,
    }

    /// <inheritdoc/>
    public override bool IsComplete => _hasEnded && _part == Part.StreamHeader;

    private int CheckSize => _check switch { 0 => 0, 1 => 4, 4 => 8, _ => 32 };

    /// <inheritdoc/>
    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (true)
        {
            if (!_lzma.Content.IsEmpty)
            {
                var taken = Math.Min(output.Length, _lzma.Content.Length);
                _lzma.Content[..taken].CopyTo(output);
                _lzma.Take(taken);
                Sum(output[..taken]);
                return taken;
            }
            var used = _part switch
            {
                Part.StreamHeader => TryReadStreamHeader(input[Consumed..]),
                Part.BlockHeader => TryReadBlockHeader(input[Consumed..]),
                Part.Chunks => TryReadChunk(input[Consumed..]),
                Part.BlockEnd => TryReadBlockEnd(input[Consumed..]),
                Part.Index => TryReadIndex(input[Consumed..]),
                _ => TryReadFooter(input[Consumed..]),
            };
            if (used < 0)
                return 0;
            Consumed += used;
        }
    }

    public override void Dispose()
    {
        _lzma.Dispose();
        _sha256?.Dispose();
    }

    /// <summary>Section 2.1.1; padding between streams is 2.2.</summary>
    private int TryReadStreamHeader(ReadOnlySpan<byte> input)
    {
        if (_hasEnded && input.Length >= 4 && input[..4].IndexOfAnyExcept((byte)0) < 0)
            return 4;
        if (input.Length < StreamHeaderSize)
            return -1;
        if (!input.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]))
            throw new CompressionFault("an xz stream is expected here, but the bytes are not one");
        CheckSum(input.Slice(6, 2), input[8..], "the header of a stream");
        _check = input[7];
        if (input[6] != 0 || _check is not (0 or 1 or 4 or 10))
            throw new CompressionFault($"its content is checked by method {_check}, which is not supported", 6, "Compress it again with --check=crc64.");
        _blocks.Clear();
        _part = Part.BlockHeader;
        return StreamHeaderSize;
    }

    /// <summary>Section 3.1.</summary>
    private int TryReadBlockHeader(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return -1;
        if (input[0] == 0)
        {
            _part = Part.Index;
            return 0;
        }
        var size = (input[0] + 1) * 4;
        if (input.Length < size)
            return -1;
        var header = input[..(size - 4)];
        CheckSum(header, input[(size - 4)..], "the header of a block");
        var flags = header[1];
        if ((flags & 0x3F) != 0)
            throw new CompressionFault("a block has other filters than LZMA2, or flags that are not known", 1,
                "Compress it again with the xz program's defaults.");
        var at = 2;
        _expectedCompressed = (flags & 0x40) != 0 ? ReadNumber(header, ref at) : null;
        _expectedUncompressed = (flags & 0x80) != 0 ? ReadNumber(header, ref at) : null;
        if (ReadNumber(header, ref at) != Lzma2Filter)
            throw new CompressionFault("a block has another filter than LZMA2", at, "Compress it again with the xz program's defaults.");
        if (ReadNumber(header, ref at) != 1 || at >= header.Length || header[at] > 40)
            throw new CompressionFault("a block has wrong properties of LZMA2", at);
        var bits = header[at];
        if (header[(at + 1)..].IndexOfAnyExcept((byte)0) >= 0)
            throw new CompressionFault("the header of a block has bytes that mean nothing", at);
        _lzma.Start(bits == 40 ? uint.MaxValue : (2L | bits & 1L) << (bits / 2 + 11));
        _headerSize = size;
        _compressed = _uncompressed = 0;
        _checksum = 0;
        if (_check == 10)
            _sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _part = Part.Chunks;
        return size;
    }

    private int TryReadChunk(ReadOnlySpan<byte> input)
    {
        var used = _lzma.TryReadChunk(input);
        if (used == 0)
            return -1;
        _compressed += used;
        if (_lzma.HasEnded)
            _part = Part.BlockEnd;
        return used;
    }

    /// <summary>Sections 3.3 and 3.4: padding and check.</summary>
    private int TryReadBlockEnd(ReadOnlySpan<byte> input)
    {
        var padding = (int)(-_compressed & 3);
        if (input.Length < padding + CheckSize)
            return -1;
        if (_expectedCompressed is { } compressed && compressed != _compressed || _expectedUncompressed is { } uncompressed && uncompressed != _uncompressed)
            throw new CompressionFault("a block has not the size that its header announces");
        var stored = input.Slice(padding, CheckSize);
        var isEqual = _check switch
        {
            0 => true,
            1 => BinaryPrimitives.ReadUInt32LittleEndian(stored) == _checksum,
            4 => BinaryPrimitives.ReadUInt64LittleEndian(stored) == _checksum,
            _ => stored.SequenceEqual(_sha256!.GetHashAndReset()),
        };
        if (!isEqual || input[..padding].IndexOfAnyExcept((byte)0) >= 0)
            throw new CompressionFault("the checksum of a block's content is not the one stored");
        _blocks.Add((_headerSize + _compressed + CheckSize, _uncompressed));
        _part = Part.BlockHeader;
        return padding + CheckSize;
    }

    /// <summary>Section 4: the sizes of all blocks once more.</summary>
    private int TryReadIndex(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return -1;
        if (!HasNumbers(input[1..], 1 + 2 * _blocks.Count))
            return -1;
        var at = 1;
        if (ReadNumber(input, ref at) != _blocks.Count)
            throw new CompressionFault("its index lists another number of blocks", at);
        foreach (var (unpadded, uncompressed) in _blocks)
            if (ReadNumber(input, ref at) != unpadded || ReadNumber(input, ref at) != uncompressed)
                throw new CompressionFault("its index lists other sizes of blocks", at);
        at += -at & 3;
        if (input.Length < at + 4)
            return -1;
        CheckSum(input[..at], input[at..], "its index");
        _indexSize = at + 4;
        _part = Part.Footer;
        return at + 4;
    }

    /// <summary>Section 2.1.2.</summary>
    private int TryReadFooter(ReadOnlySpan<byte> input)
    {
        if (input.Length < StreamHeaderSize)
            return -1;
        CheckSum(input.Slice(4, 6), input, "the end of a stream");
        if (input[8] != 0 || input[9] != _check || !input[10..].StartsWith("YZ"u8)
            || (BinaryPrimitives.ReadUInt32LittleEndian(input[4..]) + 1L) * 4 != _indexSize)
            throw new CompressionFault("the end of a stream does not fit its start");
        _hasEnded = true;
        _part = Part.StreamHeader;
        return StreamHeaderSize;
    }

    /// <summary>Section 1.2: seven bits a byte, the least significant first.</summary>
    private static long ReadNumber(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0L;
        for (var i = 0; i < MaxIndexNumber && at < bytes.Length; i++)
        {
            var b = bytes[at++];
            value |= (long)(b & 0x7F) << (7 * i);
            if (b < 0x80)
                return value;
        }
        throw new CompressionFault("a number has no end", at);
    }

    /// <summary>Whether so many numbers are there. One that is too long counts as well: reading it is the error then.</summary>
    private static bool HasNumbers(ReadOnlySpan<byte> bytes, int count)
    {
        var length = 0;
        foreach (var b in bytes)
        {
            length++;
            if (b >= 0x80 && length < MaxIndexNumber)
                continue;
            length = 0;
            if (--count == 0)
                return true;
        }
        return false;
    }

    private void Sum(ReadOnlySpan<byte> content)
    {
        _uncompressed += content.Length;
        if (_check == 1)
            _checksum = Crc32.Update((uint)_checksum, content);
        else if (_check == 4)
            _checksum = Crc64.Update(_checksum, content);
        else if (_check == 10)
            _sha256!.AppendData(content);
    }

    private static void CheckSum(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> stored, string what)
    {
        if (Crc32.Update(0, bytes) != BinaryPrimitives.ReadUInt32LittleEndian(stored))
            throw new CompressionFault($"the checksum of {what} is wrong");
    }
}
