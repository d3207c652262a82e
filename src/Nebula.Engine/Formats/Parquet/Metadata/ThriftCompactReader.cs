using System.Buffers.Binary;
using System.Text;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Types of fields and elements in Thrift's compact protocol.</summary>
internal enum ThriftType : byte
{
    /// <summary>End of a struct.</summary>
    Stop = 0,

    /// <summary>A boolean field that is true; the element type of lists of booleans.</summary>
    True = 1,

    /// <summary>A boolean field that is false.</summary>
    False = 2,

    /// <summary>8-bit integer.</summary>
    Byte = 3,

    /// <summary>16-bit integer.</summary>
    I16 = 4,

    /// <summary>32-bit integer.</summary>
    I32 = 5,

    /// <summary>64-bit integer.</summary>
    I64 = 6,

    /// <summary>Double precision.</summary>
    Double = 7,

    /// <summary>Bytes or text.</summary>
    Binary = 8,

    /// <summary>List.</summary>
    List = 9,

    /// <summary>Set.</summary>
    Set = 10,

    /// <summary>Map.</summary>
    Map = 11,

    /// <summary>Struct.</summary>
    Struct = 12,
}

/// <summary>Reads Thrift's compact protocol (thrift-compact-protocol.md) from bytes that are all there. Every length is checked against what is left.</summary>
/// <param name="source">The bytes.</param>
internal ref struct ThriftCompactReader(ReadOnlySpan<byte> source)
{
    private const int MaxDepth = 64;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly ReadOnlySpan<byte> _bytes = source;
    private int _depth;

    /// <summary>Reads bytes that live on in what is made of them.</summary>
    /// <param name="source">The bytes.</param>
    public ThriftCompactReader(ReadOnlyMemory<byte> source) : this(source.Span) => _memory = source;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => _bytes.Length - Position;

    /// <summary>Reads the head of the next field of a struct.</summary>
    /// <param name="id">Id of the field before, 0 at first; becomes the id of this one.</param>
    /// <param name="type">Its type.</param>
    /// <returns>False at the end of the struct.</returns>
    /// <exception cref="ParquetFault">The bytes end, or are not a field.</exception>
    public bool NextField(ref short id, out ThriftType type)
    {
        var head = ReadByte();
        type = (ThriftType)(head & 0x0F);
        if (type == ThriftType.Stop)
            return false;
        if (type > ThriftType.Struct)
            throw Fault($"a field has the type {(int)type}, which does not exist");
        var delta = head >> 4;
        id = delta == 0 ? ReadI16() : (short)(id + delta);
        return true;
    }

    /// <summary>Reads an 8-bit integer.</summary>
    public sbyte ReadI8() => (sbyte)ReadByte();

    /// <summary>Reads a 16-bit integer.</summary>
    public short ReadI16()
    {
        var value = ReadI64();
        return value is >= short.MinValue and <= short.MaxValue ? (short)value : throw Fault($"the number {value} does not fit 16 bits");
    }

    /// <summary>Reads a 32-bit integer.</summary>
    public int ReadI32()
    {
        var value = ReadI64();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Fault($"the number {value} does not fit 32 bits");
    }

    /// <summary>Reads a 64-bit integer.</summary>
    public long ReadI64()
    {
        var zigzag = ReadVarint();
        return (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
    }

    /// <summary>Reads a floating-point number.</summary>
    public double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    /// <summary>Reads bytes; the result is a slice of the source.</summary>
    public ReadOnlySpan<byte> ReadBinary()
    {
        var length = ReadVarint();
        return length <= (ulong)Remaining ? Take((int)length) : throw Fault($"{length} bytes are announced where {Remaining} are left");
    }

    /// <summary>Reads bytes to be kept: a slice of the source where that is memory, else a copy.</summary>
    public ReadOnlyMemory<byte> ReadMemory()
    {
        var bytes = ReadBinary();
        return _memory.IsEmpty ? bytes.ToArray() : _memory.Slice(Position - bytes.Length, bytes.Length);
    }

    /// <summary>Reads text. What is not UTF-8 is replaced, since names of columns and programs serve people.</summary>
    public string ReadString() => Encoding.UTF8.GetString(ReadBinary());

    /// <summary>Reads the head of a list or set.</summary>
    /// <param name="element">Type of the elements.</param>
    /// <returns>Number of elements; each takes at least a byte of what is left.</returns>
    public int ReadListHead(out ThriftType element)
    {
        var head = ReadByte();
        element = (ThriftType)(head & 0x0F);
        var count = (ulong)(head >> 4);
        if (count == 15)
            count = ReadVarint();
        if (element is (ThriftType.Stop or > ThriftType.Struct) && count > 0)
            throw Fault($"a list has elements of type {(int)element}, which does not exist");
        if (count > (ulong)Remaining)
            throw Fault($"a list of {count} elements is announced where {Remaining} bytes are left");
        return (int)count;
    }

    /// <summary>Reads the head of a list and checks the type of its elements.</summary>
    /// <param name="expected">The type that they must have; where the list is empty it does not matter.</param>
    /// <returns>Number of elements.</returns>
    public int ReadListHead(ThriftType expected)
    {
        var count = ReadListHead(out var element);
        if (element == ThriftType.False)
            element = ThriftType.True;
        return count == 0 || element == expected ? count : throw Fault($"a list has elements of type {element} instead of {expected}");
    }

    /// <summary>Reads a boolean that is an element of a list. Fields have theirs in their type.</summary>
    public bool ReadBoolElement() => ReadByte() == 1;

    /// <summary>Enters a struct within a struct, list or map.</summary>
    /// <exception cref="ParquetFault">It lies too deep.</exception>
    public void Enter()
    {
        if (++_depth > MaxDepth)
            throw Fault($"structures are nested more than {MaxDepth} deep");
    }

    /// <summary>Leaves what <see cref="Enter"/> entered.</summary>
    public void Leave() => _depth--;

    /// <summary>Passes over the value of a field.</summary>
    /// <param name="type">The field's type.</param>
    public void Skip(ThriftType type)
    {
        if (type is not (ThriftType.True or ThriftType.False))
            SkipElement(type);
    }

    /// <summary>Makes the error of what was just read.</summary>
    /// <param name="reason">What is wrong, without a full stop.</param>
    public readonly ParquetFault Fault(string reason) => new(reason, Position);

    private void SkipElement(ThriftType type)
    {
        switch (type)
        {
            case ThriftType.True or ThriftType.False or ThriftType.Byte:
                ReadByte();
                break;
            case ThriftType.I16 or ThriftType.I32 or ThriftType.I64:
                ReadVarint();
                break;
            case ThriftType.Double:
                Take(8);
                break;
            case ThriftType.Binary:
                ReadBinary();
                break;
            case ThriftType.List or ThriftType.Set:
                Enter();
                for (var count = ReadListHead(out var element); count > 0; count--)
                    SkipElement(element);
                Leave();
                break;
            case ThriftType.Map:
                Enter();
                SkipMap();
                Leave();
                break;
            default:
                Enter();
                short id = 0;
                while (NextField(ref id, out var field))
                    Skip(field);
                Leave();
                break;
        }
    }

    private void SkipMap()
    {
        var count = ReadVarint();
        if (count == 0)
            return;
        if (count > (ulong)Remaining)
            throw Fault($"a map of {count} entries is announced where {Remaining} bytes are left");
        var types = ReadByte();
        var (key, value) = ((ThriftType)(types >> 4), (ThriftType)(types & 0x0F));
        if (key is ThriftType.Stop or > ThriftType.Struct || value is ThriftType.Stop or > ThriftType.Struct)
            throw Fault("a map has keys or values of a type that does not exist");
        for (; count > 0; count--)
        {
            SkipElement(key);
            SkipElement(value);
        }
    }

    private byte ReadByte() => Position < _bytes.Length ? _bytes[Position++] : throw Fault("the metadata ends too early");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
            throw Fault("the metadata ends too early");
        var taken = _bytes.Slice(Position, count);
        Position += count;
        return taken;
    }

    private ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw Fault("a number has more than 10 bytes");
    }
}
