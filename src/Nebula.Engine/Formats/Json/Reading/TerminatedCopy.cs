using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>A copy of bytes with the zero behind it that <see cref="JsonLexer"/> needs, for input that is not the reader's to write to.</summary>
internal readonly unsafe struct TerminatedCopy : IDisposable
{
    private readonly PooledBuffer _buffer;

    /// <summary>Copies bytes.</summary>
    public TerminatedCopy(ReadOnlySpan<byte> bytes)
    {
        _buffer = BufferPool.Shared.Rent(bytes.Length);
        bytes.CopyTo(_buffer.Span);
        _buffer.Length = bytes.Length;
        Start = _buffer.Pointer;
        Start[bytes.Length] = 0;
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    /// <summary>Behind the last byte.</summary>
    public byte* End => Start + _buffer.Length;

    /// <summary>Number of bytes.</summary>
    public int Length => _buffer.Length;

    /// <summary>Returns the memory.</summary>
    public void Dispose() => _buffer.Dispose();
}
