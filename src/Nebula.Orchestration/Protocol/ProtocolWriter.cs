using System.Text;

namespace Nebula.Orchestration.Protocol;

/// <summary>Writes protobuf messages into one growing buffer, which is used again after <see cref="Clear"/>.</summary>
internal sealed class ProtocolWriter
{
    private const int MaxVarint = 10;
    private byte[] _buffer = new byte[1024];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>What was written, for asynchronous use.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, _length);

    /// <summary>Forgets what was written.</summary>
    public void Clear() => _length = 0;

    public void Int32(int field, int value)
    {
        if (value == 0)
            return;
        Tag(field, WireType.Varint);
        Varint((ulong)(long)value);
    }

    /// <summary>One of repeated values: written also when it is 0.</summary>
    public void Enum(int field, int value)
    {
        Tag(field, WireType.Varint);
        Varint((ulong)(long)value);
    }

    public void Int64(int field, long value)
    {
        if (value == 0)
            return;
        Tag(field, WireType.Varint);
        Varint((ulong)value);
    }

    public void Bool(int field, bool value) => Int32(field, value ? 1 : 0);

    public void String(int field, string value)
    {
        if (value.Length == 0)
            return;
        Tag(field, WireType.Bytes);
        var bytes = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)bytes);
        _length += Encoding.UTF8.GetBytes(value, Reserve(bytes));
    }

    /// <summary>A <c>google.protobuf.StringValue</c>; nothing when null.</summary>
    public void StringValue(int field, string? value)
    {
        if (value is null)
            return;
        var start = Begin(field);
        String(1, value);
        End(start);
    }

    /// <summary>A <c>google.protobuf.Timestamp</c>.</summary>
    public void Timestamp(int field, DateTime value)
    {
        var ticks = value.Ticks - DateTime.UnixEpoch.Ticks;
        var (seconds, rest) = Math.DivRem(ticks, TimeSpan.TicksPerSecond);
        if (rest < 0)
            (seconds, rest) = (seconds - 1, rest + TimeSpan.TicksPerSecond);
        var start = Begin(field);
        Int64(1, seconds);
        Int32(2, (int)rest * 100);
        End(start);
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, WireType.Bytes);
        Varint((ulong)value.Length);
        value.CopyTo(Reserve(value.Length));
        _length += value.Length;
    }

    /// <summary>Begins a nested message.</summary>
    /// <returns>What <see cref="End"/> wants.</returns>
    public int Begin(int field)
    {
        Tag(field, WireType.Bytes);
        return _length;
    }

    /// <summary>Ends a nested message: puts its length in front.</summary>
    public void End(int start)
    {
        var length = _length - start;
        var size = SizeOf((ulong)length);
        Reserve(size);
        Buffer.BlockCopy(_buffer, start, _buffer, start + size, length);
        _length = start;
        Varint((ulong)length);
        _length += length;
    }

    private static int SizeOf(ulong value)
    {
        var size = 1;
        for (; value >= 0x80; value >>= 7)
            size++;
        return size;
    }

    private void Tag(int field, WireType type) => Varint(((ulong)field << 3) | (uint)type);

    private void Varint(ulong value)
    {
        var target = Reserve(MaxVarint);
        var i = 0;
        for (; value >= 0x80; value >>= 7)
            target[i++] = (byte)(value | 0x80);
        target[i++] = (byte)value;
        _length += i;
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
            Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(_buffer.Length * 2L, (long)_length + count)));
        return _buffer.AsSpan(_length);
    }
}
