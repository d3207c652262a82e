using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression;

/// <summary>Feeds a <see cref="Decompressor"/> from a stream. Input that ends where the format does not allow it is an error, never the end of the
/// content.</summary>
internal sealed class DecompressingStream : Stream
{
    private const int InitialInput = 128 << 10;
    private readonly Decompressor _decompressor;
    private readonly string _codec;
    private readonly Stream _source;
    private readonly string _name;
    private readonly bool _leaveOpen;
    private readonly BufferPool _pool;
    private PooledBuffer _input;
    private PooledMemory _inputMemory;
    private int _start;
    private int _end;
    private long _offset;
    private bool _ended;
    private bool _disposed;
    private DataFormatException? _failure;

    /// <summary>Takes ownership of the decompressor and, unless it is left open, of the source.</summary>
    public DecompressingStream(Decompressor decompressor, string codec, Stream source, string name, bool leaveOpen, BufferPool pool)
    {
        (_decompressor, _codec, _source, _name, _leaveOpen, _pool) = (decompressor, codec, source, name, leaveOpen, pool);
        _input = pool.Rent(InitialInput);
        _inputMemory = new PooledMemory(_input);
    }

    public override bool CanRead => !_disposed;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int written;
        while (NeedsInput(buffer, out written))
            Accept(_source.Read(FreeInput().Span));
        return written;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int ReadByte()
    {
        byte value = 0;
        return Read(new Span<byte>(ref value)) == 0 ? -1 : value;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int written;
        while (NeedsInput(buffer.Span, out written))
            Accept(await _source.ReadAsync(FreeInput(), cancellationToken).ConfigureAwait(false));
        return written;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _decompressor.Dispose();
            _input.Dispose();
            if (!_leaveOpen)
                _source.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>Decodes what is there. True when nothing came out and the source must be asked for more.</summary>
    private bool NeedsInput(Span<byte> output, out int written)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_failure is not null)
            throw new DataFormatException(_failure.Reason, _failure.Location, _failure);
        written = 0;
        if (output.IsEmpty)
            return false;
        try
        {
            written = _decompressor.Decompress(_input.Span[_start.._end], output);
        }
        catch (CompressionFault fault)
        {
            _failure = fault.ToDataFormatException(_codec, _offset + _decompressor.Consumed, _name);
            throw _failure;
        }
        _start += _decompressor.Consumed;
        _offset += _decompressor.Consumed;
        if (written > 0)
            return false;
        if (!_ended)
            return true;
        if (_decompressor.IsComplete && _start == _end)
            return false;
        _failure = CompressionFault.Truncated(_codec, _offset + (_end - _start), _name);
        throw _failure;
    }

    /// <summary>Makes room behind the undecoded input. It grows only when all of it is undecoded, so never beyond twice what was really received.</summary>
    private Memory<byte> FreeInput()
    {
        var kept = _input.Span[_start.._end];
        if (_start > 0)
        {
            kept.CopyTo(_input.Span);
        }
        else if (_end == _input.Capacity)
        {
            var larger = _pool.Rent(checked(_input.Capacity * 2));
            kept.CopyTo(larger.Span);
            _input.Dispose();
            _input = larger;
            _inputMemory = new PooledMemory(larger);
        }
        (_start, _end) = (0, kept.Length);
        return _inputMemory.Memory[_end..];
    }

    private void Accept(int read)
    {
        _end += read;
        _ended = read == 0;
    }
}
