using System.Buffers.Binary;
using System.Text;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Writes Thrift's compact protocol (thrift-compact-protocol.md). Fields of a struct must come in the order of their ids.</summary>
internal sealed class ThriftCompactWriter
{
    private byte[] _buffer = new byte[256];
    private short[] _lastIds = new short[8];
    private int _depth;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>Starts anew.</summary>
    public void Clear()
    {
        Length = 0;
        _depth = 0;
    }

    /// <summary>Forgets the bytes so far, which the caller has put elsewhere; the structs that are open go on.</summary>
    public void Drop() => Length = 0;

    /// <summary>Begins a struct: the outermost one, or an element of a list.</summary>
    public void BeginStruct()
    {
        if (_depth == _lastIds.Length)
            Array.Resize(ref _lastIds, 2 * _depth);
        _lastIds[_depth++] = 0;
    }

    /// <summary>Begins a struct that is a field.</summary>
    /// <param name="id">Id of the field.</param>
    public void BeginStruct(short id)
    {
        Field(id, ThriftType.Struct);
        BeginStruct();
    }

    /// <summary>Ends a struct.</summary>
    public void EndStruct()
    {
        WriteByte((byte)ThriftType.Stop);
        _depth--;
    }

    /// <summary>Writes a field that is a struct without fields: the members of some unions.</summary>
    /// <param name="id">Id of the field.</param>
    public void EmptyStruct(short id)
    {
        BeginStruct(id);
        EndStruct();
    }

    /// <summary>Writes a field that is a struct.</summary>
    /// <param name="id">Id of the field.</param>
    /// <param name="bytes">The struct, as a writer of its own wrote it.</param>
    public void RawStruct(short id, ReadOnlySpan<byte> bytes)
    {
        Field(id, ThriftType.Struct);
        Raw(bytes);
    }

    /// <summary>Writes a boolean field.</summary>
    public void Bool(short id, bool value) => Field(id, value ? ThriftType.True : ThriftType.False);

    /// <summary>Writes an 8-bit field.</summary>
    public void I8(short id, sbyte value)
    {
        Field(id, ThriftType.Byte);
        WriteByte((byte)value);
    }

    /// <summary>Writes a 16-bit field.</summary>
    public void I16(short id, short value)
    {
        Field(id, ThriftType.I16);
        WriteZigZag(value);
    }

    /// <summary>Writes a 32-bit field.</summary>
    public void I32(short id, int value)
    {
        Field(id, ThriftType.I32);
        WriteZigZag(value);
    }

    /// <summary>Writes a 32-bit field where there is a value.</summary>
    public void I32(short id, int? value)
    {
        if (value is { } present)
            I32(id, present);
    }

    /// <summary>Writes a 64-bit field.</summary>
    public void I64(short id, long value)
    {
        Field(id, ThriftType.I64);
        WriteZigZag(value);
    }

    /// <summary>Writes a 64-bit field where there is a value.</summary>
    public void I64(short id, long? value)
    {
        if (value is { } present)
            I64(id, present);
    }

    /// <summary>Writes a field of bytes.</summary>
    public void Binary(short id, ReadOnlySpan<byte> value)
    {
        Field(id, ThriftType.Binary);
        BinaryElement(value);
    }

    /// <summary>Writes a field of bytes where there are some.</summary>
    public void Binary(short id, ReadOnlyMemory<byte>? value)
    {
        if (value is { } present)
            Binary(id, present.Span);
    }

    /// <summary>Writes a field of text.</summary>
    public void String(short id, string value)
    {
        Field(id, ThriftType.Binary);
        StringElement(value);
    }

    /// <summary>Begins a field that is a list; its elements follow.</summary>
    /// <param name="id">Id of the field.</param>
    /// <param name="element">Type of the elements; <see cref="ThriftType.True"/> for booleans.</param>
    /// <param name="count">Number of elements.</param>
    public void List(short id, ThriftType element, int count)
    {
        Field(id, ThriftType.List);
        if (count < 15)
        {
            WriteByte((byte)(count << 4 | (int)element));
            return;
        }
        WriteByte((byte)(0xF0 | (int)element));
        WriteVarint((ulong)count);
    }

    /// <summary>Writes an element of a list of integers of 16 to 64 bits.</summary>
    public void IntegerElement(long value) => WriteZigZag(value);

    /// <summary>Writes an element of a list of booleans.</summary>
    public void BoolElement(bool value) => WriteByte(value ? (byte)1 : (byte)2);

    /// <summary>Writes an element of a list of bytes.</summary>
    public void BinaryElement(ReadOnlySpan<byte> value)
    {
        WriteVarint((ulong)value.Length);
        value.CopyTo(Extend(value.Length));
    }

    /// <summary>Writes an element of a list of texts.</summary>
    public void StringElement(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        WriteVarint((ulong)length);
        Encoding.UTF8.GetBytes(value, Extend(length));
    }

    /// <summary>Appends bytes that are no Thrift: the length and magic behind a footer.</summary>
    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Extend(bytes.Length));

    /// <summary>Appends a little-endian number that is no Thrift.</summary>
    public void RawInt32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Extend(sizeof(int)), value);

    private void Field(short id, ThriftType type)
    {
        ref var last = ref _lastIds[_depth - 1];
        var delta = id - last;
        last = id;
        if (delta is > 0 and < 16)
        {
            WriteByte((byte)(delta << 4 | (int)type));
            return;
        }
        WriteByte((byte)type);
        WriteZigZag(id);
    }

    private void WriteByte(byte value)
    {
        if (Length == _buffer.Length)
            Array.Resize(ref _buffer, 2 * Length);
        _buffer[Length++] = value;
    }

    private void WriteZigZag(long value) => WriteVarint((ulong)(value << 1 ^ value >> 63));

    private void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            WriteByte((byte)(value | 0x80));
        WriteByte((byte)value);
    }

    private Span<byte> Extend(int count)
    {
        if (count > _buffer.Length - Length)
            Array.Resize(ref _buffer, Math.Max(checked(Length + count), 2 * _buffer.Length));
        var added = _buffer.AsSpan(Length, count);
        Length += count;
        return added;
    }
}
