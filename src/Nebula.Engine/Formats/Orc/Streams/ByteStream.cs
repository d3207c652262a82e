using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Streams;

/// <summary>A place in a stream as indexes write it (ORC v1, "Row Group Index").</summary>
/// <param name="Chunk">Offset of the chunk's header in the stream as stored; the byte itself where there is no compression.</param>
/// <param name="Offset">Offset in the chunk's content; 0 where there is no compression.</param>
internal readonly record struct StreamPosition(long Chunk, int Offset);

/// <summary>
/// The content of one stream, one window after the other: a window is a decompressed chunk, or all of a stream without compression. Readers take what they
/// need through <see cref="Position"/> after they asked for it with <see cref="Ensure"/>.
/// </summary>
internal sealed unsafe class ByteStream : IDisposable
{
    private readonly string _name;
    private readonly ChunkDecompressor? _decompressor;
    private readonly BufferPool _pool;
    private readonly byte* _rawStart;
    private readonly byte* _rawEnd;
    private readonly long _rawOffset;
    private byte* _raw;
    private PooledBuffer? _window;
    private long _windowEndOffset;
    private StreamPosition _mark = new(long.MaxValue, 0);

    /// <summary>Opens a stream, or a part of one.</summary>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="raw">The bytes as stored, readable for <see cref="BufferPool.Padding"/> bytes behind their end.</param>
    /// <param name="rawOffset">Where they start in the stream.</param>
    /// <param name="decompressor">Decompresses chunks; null where there are none.</param>
    /// <param name="pool">Where windows come from.</param>
    public ByteStream(string name, ReadOnlySpan<byte> raw, long rawOffset, ChunkDecompressor? decompressor, BufferPool pool)
    {
        _name = name;
        _decompressor = decompressor;
        _pool = pool;
        _rawOffset = rawOffset;
        // the caller's buffers are native memory
        _rawStart = _raw = (byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(raw));
        _rawEnd = _rawStart + raw.Length;
        if (decompressor is null)
        {
            Position = _rawStart;
            End = _raw = _rawEnd;
            _windowEndOffset = raw.Length;
        }
        else
            Position = End = _rawStart;
    }

    /// <summary>The next byte. To be set to behind what was taken.</summary>
    public byte* Position { get; set; }

    /// <summary>End of the window. <see cref="BufferPool.Padding"/> bytes behind it are readable.</summary>
    public byte* End { get; private set; }

    /// <summary>Bytes left in the window.</summary>
    public long Available => End - Position;

    /// <summary>Bytes that can be left at the very most, as far as the codec tells: an upper bound to check claims against.</summary>
    public long MostBytesLeft => Available + (_decompressor?.MostBytes(_rawEnd - _raw) ?? 0);

    /// <summary>Offset of the next byte in the content, counted from where reading began.</summary>
    public long ContentOffset => _windowEndOffset - Available;

    /// <summary>Offset in the content that corresponds to the position given to <see cref="Mark"/>; <see cref="long.MaxValue"/> until it is reached.</summary>
    public long MarkOffset { get; private set; } = long.MaxValue;

    /// <summary>Asks for <see cref="MarkOffset"/>, before anything is read.</summary>
    /// <param name="position">A position in the stream.</param>
    public void Mark(StreamPosition position)
    {
        _mark = position;
        if (_decompressor is null)
            MarkOffset = position.Chunk - _rawOffset;
    }

    /// <summary>Makes bytes available in one piece.</summary>
    /// <param name="count">How many are wanted.</param>
    /// <returns>Whether so many are left. If not, those that are left are in the window.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Ensure(int count) => Available >= count || Fill(count);

    /// <summary>Throws for a stream that ends where more is needed.</summary>
    /// <param name="what">What is needed.</param>
    public void ThrowEnded(string what) => throw new OrcFault($"the {_name} stream ends where {what} is expected");

    /// <summary>Takes bytes.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">How many.</param>
    public void CopyTo(byte* target, long count)
    {
        while (true)
        {
            var step = Math.Min(count, Available);
            Buffer.MemoryCopy(Position, target, step, step);
            Position += step;
            if ((count -= step) == 0)
                return;
            target += step;
            if (!Fill(1))
                ThrowEnded($"another {count} bytes of content");
        }
    }

    /// <summary>Leaves out bytes.</summary>
    /// <param name="count">How many.</param>
    public void Skip(long count)
    {
        while (count > Available)
        {
            count -= Available;
            Position = End;
            if (!Fill(1))
                ThrowEnded($"another {count} bytes of content");
        }
        Position += count;
    }

    /// <inheritdoc/>
    public void Dispose() => _window?.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Fill(int count)
    {
        while (Available < count)
            if (_decompressor is null || !NextChunk())
                return false;
        return true;
    }

    private bool NextChunk()
    {
        if (_raw - _rawStart + _rawOffset == _mark.Chunk)
            MarkOffset = _windowEndOffset + _mark.Offset;
        if (_raw == _rawEnd)
            return false;
        if (_rawEnd - _raw < ChunkDecompressor.HeaderLength)
            throw new OrcFault($"the {_name} stream ends within the header of a compressed chunk");
        var length = ChunkDecompressor.ParseHeader(new ReadOnlySpan<byte>(_raw, ChunkDecompressor.HeaderLength), out var isOriginal);
        var chunk = _raw + ChunkDecompressor.HeaderLength;
        if (length > _rawEnd - chunk)
            throw new OrcFault($"a compressed chunk of the {_name} stream claims {length} bytes, but {_rawEnd - chunk} are left");
        var stored = new ReadOnlySpan<byte>(chunk, length);
        Append(isOriginal ? stored : _decompressor!.Decompress(stored));
        _raw = chunk + length;
        return true;
    }

    /// <summary>Makes a window of what is left of the old one and a new chunk, in one piece.</summary>
    private void Append(ReadOnlySpan<byte> content)
    {
        var left = (int)Available;
        var needed = left + content.Length;
        if (_window is null || _window.Capacity < needed)
        {
            var larger = _pool.Rent(needed);
            new ReadOnlySpan<byte>(Position, left).CopyTo(larger.Span);
            _window?.Dispose();
            _window = larger;
        }
        else
            Buffer.MemoryCopy(Position, _window.Pointer, left, left);
        content.CopyTo(_window.Span[left..]);
        Position = _window.Pointer;
        End = Position + needed;
        _windowEndOffset += content.Length;
    }
}
