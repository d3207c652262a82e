using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>Decodes LZ4 frames, one after the other; skippable frames are skipped. Header, block and content checksums and the content size are
/// verified.</summary>
/// <param name="pool">Where working memory comes from.</param>
internal sealed unsafe class Lz4FrameDecompressor(BufferPool pool) : Decompressor
{
    public const uint Signature = 0x184D2204;
    private const uint LegacySignature = 0x184C2102;
    private const uint StoredFlag = 0x8000_0000;
    private const int HistorySize = 64 << 10;

    // Twice the history, so that small blocks do not make it move down for each of them.
    private const int MaxBeforeBlock = 2 * HistorySize;

    private PooledBuffer? _window;
    private Lz4FrameDescriptor _frame;
    private XxHash32 _hash;
    private long _contentSize;
    private long _skip;
    private int _windowEnd;
    private int _delivered;
    private bool _inFrame;
    private bool _blocksEnded;
    private bool _sawFrame;

    public override bool IsComplete => _sawFrame && !_inFrame && _skip == 0 && _delivered == _windowEnd;

    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (_delivered == _windowEnd)
        {
            var rest = input[Consumed..];
            var used = _skip > 0 ? Skip(rest) : !_inFrame ? TryBeginFrame(rest) : _blocksEnded ? TryEndFrame(rest) : TryReadBlock(rest);
            if (used < 0)
                return 0;
            Consumed += used;
        }
        var count = Math.Min(output.Length, _windowEnd - _delivered);
        _window!.Span.Slice(_delivered, count).CopyTo(output);
        _delivered += count;
        return count;
    }

    public override void Dispose() => _window?.Dispose();

    private int Skip(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return -1;
        var count = (int)Math.Min(_skip, input.Length);
        _skip -= count;
        return count;
    }

    private int TryBeginFrame(ReadOnlySpan<byte> input)
    {
        if (input.Length < 4)
            return -1;
        var signature = BinaryPrimitives.ReadUInt32LittleEndian(input);
        if (SkippableFrame.Is(signature))
        {
            if (input.Length < SkippableFrame.HeaderSize)
                return -1;
            _skip = BinaryPrimitives.ReadUInt32LittleEndian(input[4..]);
            _sawFrame = true;
            return SkippableFrame.HeaderSize;
        }
        if (signature == LegacySignature)
            throw new CompressionFault("it is in the legacy LZ4 format, which has no checksums and no end mark", 0,
                "Write it again with 'lz4 -d' and then 'lz4' (without -l).");
        if (signature != Signature)
            throw new CompressionFault("an LZ4 frame is expected here, but the bytes are not one");
        var used = Lz4FrameDescriptor.TryRead(input[4..], out _frame);
        if (used < 0)
            return -1;
        var size = MaxBeforeBlock + _frame.MaxBlockSize;
        if (_window is null || _window.Capacity < size)
        {
            _window?.Dispose();
            _window = pool.Rent(size);
        }
        (_windowEnd, _delivered, _contentSize) = (0, 0, 0);
        (_inFrame, _sawFrame, _blocksEnded) = (true, true, false);
        _hash.Reset();
        return 4 + used;
    }

    private int TryReadBlock(ReadOnlySpan<byte> input)
    {
        if (input.Length < 4)
            return -1;
        var header = BinaryPrimitives.ReadUInt32LittleEndian(input);
        if (header == 0)
        {
            _blocksEnded = true;
            return 4;
        }
        var isStored = (header & StoredFlag) != 0;
        var size = header & ~StoredFlag;
        if (size > _frame.MaxBlockSize)
            throw new CompressionFault($"a block has {size} bytes, more than the {_frame.MaxBlockSize} of this frame");
        var total = 4 + (int)size + (_frame.HasBlockChecksums ? 4 : 0);
        if (input.Length < total)
            return -1;
        var block = input.Slice(4, (int)size);
        if (_frame.HasBlockChecksums)
        {
            var stored = BinaryPrimitives.ReadUInt32LittleEndian(input[(4 + block.Length)..]);
            var actual = XxHash32.Hash(block);
            if (stored != actual)
                throw new CompressionFault($"the checksum of a block is 0x{actual:X8}, but 0x{stored:X8} is stored");
        }
        Decode(block, isStored);
        return total;
    }

    private void Decode(ReadOnlySpan<byte> block, bool isStored)
    {
        var window = _window!;
        if (_windowEnd > MaxBeforeBlock)
        {
            var kept = _frame.BlocksAreLinked ? HistorySize : 0;
            window.Span[(_windowEnd - kept).._windowEnd].CopyTo(window.Span);
            _windowEnd = kept;
        }
        var history = window.Pointer + (_frame.BlocksAreLinked ? 0 : _windowEnd);
        var output = window.Pointer + _windowEnd;
        int written;
        if (isStored)
        {
            block.CopyTo(new Span<byte>(output, _frame.MaxBlockSize));
            written = block.Length;
        }
        else
        {
            fixed (byte* source = block)
                written = Lz4Block.Decode(source, block.Length, history, output, _frame.MaxBlockSize);
        }
        if (_frame.HasContentChecksum)
            _hash.Append(new ReadOnlySpan<byte>(output, written));
        _contentSize += written;
        _delivered = _windowEnd;
        _windowEnd += written;
    }

    private int TryEndFrame(ReadOnlySpan<byte> input)
    {
        if (_frame.HasContentChecksum)
        {
            if (input.Length < 4)
                return -1;
            var stored = BinaryPrimitives.ReadUInt32LittleEndian(input);
            var actual = _hash.Current();
            if (stored != actual)
                throw new CompressionFault($"the checksum of a frame's content is 0x{actual:X8}, but 0x{stored:X8} is stored");
        }
        if (_frame.ContentSize >= 0 && _frame.ContentSize != _contentSize)
            throw new CompressionFault($"a frame's content has {_contentSize} bytes, but its header announces {_frame.ContentSize}");
        _inFrame = false;
        return _frame.HasContentChecksum ? 4 : 0;
    }
}
