using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Byte arrays one behind the other, with their ends, in pooled buffers that grow.</summary>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class ByteArrayBuffer(BufferPool pool) : IDisposable
{
    /// <summary>Bytes behind those reserved that a short copy may overwrite.</summary>
    public const int CopyMargin = 16;

    private PooledBuffer? _offsets;
    private PooledBuffer? _bytes;

    /// <summary>Number of values.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all values.</summary>
    public int Length { get; private set; }

    /// <summary>Most bytes that all values may have.</summary>
    public long Limit { get; set; } = BufferPool.MaxCapacity;

    /// <summary>Count + 1 offsets, the first 0; null before anything was reserved.</summary>
    public int* Offsets => _offsets is null ? null : (int*)_offsets.Pointer;

    /// <summary>The bytes.</summary>
    public byte* Bytes => _bytes is null ? null : _bytes.Pointer;

    /// <summary>Bytes that fit without growing.</summary>
    public int Capacity => _bytes?.Capacity ?? 0;

    /// <summary>Makes room for the ends of more values. Pointers taken before are no longer good.</summary>
    /// <param name="count">Number of values.</param>
    public void ReserveValues(int count)
    {
        var needed = ((long)Count + count + 1) * sizeof(int);
        if (_offsets is not null && _offsets.Capacity >= needed)
            return;
        Grow(ref _offsets, needed, (Count + 1) * sizeof(int));
        if (Count == 0)
            Offsets[0] = 0;
    }

    /// <summary>Makes room for more bytes. Pointers taken before are no longer good.</summary>
    /// <param name="used">Bytes in use, those not yet counted included.</param>
    /// <param name="more">Bytes about to be written.</param>
    /// <exception cref="ParquetFault">The values would be longer than <see cref="Limit"/>.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void ReserveBytes(long used, long more)
    {
        if (used + more > Limit)
            throw new ParquetFault($"values take more than {Units.FormatSize(Limit)} once decoded", -1,
                "Raise the memory limit, leave out the column, or write the file with smaller row groups.");
        if (_bytes is null || _bytes.Capacity < used + more)
            Grow(ref _bytes, used + more, (int)used);
    }

    /// <summary>Counts values whose ends and bytes were written.</summary>
    /// <param name="count">Number of values.</param>
    public void Advance(int count)
    {
        Count += count;
        Length = Offsets[Count];
    }

    /// <summary>The bytes of a value.</summary>
    /// <param name="index">Its position.</param>
    public ReadOnlySpan<byte> this[int index] => new(Bytes + Offsets[index], Offsets[index + 1] - Offsets[index]);

    /// <summary>Forgets all values and keeps the buffers.</summary>
    public void Clear() => Count = Length = 0;

    /// <summary>Gives the buffers away and starts anew.</summary>
    /// <param name="offsets">The offsets.</param>
    /// <param name="bytes">The bytes.</param>
    public void Detach(out PooledBuffer offsets, out PooledBuffer bytes)
    {
        ReserveValues(0);
        ReserveBytes(Length, 0);
        (offsets, bytes) = (_offsets!, _bytes!);
        _offsets = _bytes = null;
        Clear();
    }

    /// <summary>Returns the buffers.</summary>
    public void Dispose()
    {
        _offsets?.Dispose();
        _bytes?.Dispose();
        _offsets = _bytes = null;
        Clear();
    }

    private void Grow(ref PooledBuffer? buffer, long needed, int used)
    {
        var capacity = Math.Max(needed, buffer is null ? 0 : 2L * buffer.Capacity);
        var larger = pool.Rent((int)Math.Min(capacity, BufferPool.MaxCapacity));
        if (buffer is not null)
        {
            Buffer.MemoryCopy(buffer.Pointer, larger.Pointer, larger.Capacity, Math.Min(used, buffer.Capacity));
            buffer.Dispose();
        }
        buffer = larger;
    }
}
