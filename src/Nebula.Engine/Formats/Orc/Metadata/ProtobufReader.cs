using System.Buffers.Binary;
using System.Text;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>How a field of a message is written (Protocol Buffers, "Encoding").</summary>
internal enum WireType : byte
{
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

/// <summary>Reads the fields of one message of Protocol Buffers.</summary>
/// <param name="message">The message.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;
    private WireType _wireType;

    /// <summary>Number of the field that was read last.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field, whose value must then be read or skipped.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        if (tag >> 3 is 0 or > int.MaxValue)
            throw new OrcFault($"the metadata has a field with the impossible number {tag >> 3}");
        Field = (int)(tag >> 3);
        _wireType = (WireType)(tag & 7);
        return true;
    }

    /// <summary>Reads an unsigned number.</summary>
    public ulong UInt64() => Expect(WireType.Varint) ? Varint() : 0;

    /// <summary>Reads an unsigned number of 32 bits.</summary>
    public uint UInt32()
    {
        var value = UInt64();
        return value <= uint.MaxValue ? (uint)value : throw new OrcFault($"field {Field} of the metadata is {value}, more than 32 bits hold");
    }

    /// <summary>Reads a length or count.</summary>
    public long Length()
    {
        var value = UInt64();
        return value <= long.MaxValue ? (long)value : throw new OrcFault($"field {Field} of the metadata is {value}, more than a length can be");
    }

    /// <summary>Reads a zigzag-coded number.</summary>
    public long SInt64()
    {
        var value = UInt64();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Reads a number of double precision.</summary>
    public double Double()
    {
        Expect(WireType.Fixed64);
        return BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));
    }

    /// <summary>Reads bytes or an embedded message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(WireType.Length);
        var length = Varint();
        return Take(length <= int.MaxValue ? (int)length : int.MaxValue);
    }

    /// <summary>Reads text. Bytes that are not UTF-8 are refused.</summary>
    public string Text()
    {
        var bytes = Bytes();
        return System.Text.Unicode.Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : throw new OrcFault($"field {Field} of the metadata is not valid UTF-8: {Diagnostics.DataFormatException.Show(bytes)}");
    }

    /// <summary>Reads the numbers of a repeated field, packed or one by one.</summary>
    /// <param name="target">Takes them.</param>
    public void UInt64s(List<ulong> target)
    {
        if (_wireType != WireType.Length)
        {
            target.Add(UInt64());
            return;
        }
        var packed = new ProtobufReader(Bytes());
        while (!packed._rest.IsEmpty)
            target.Add(packed.Varint());
    }

    /// <summary>Leaves out the value of the current field.</summary>
    public void Skip() => _ = _wireType switch
    {
        WireType.Varint => Varint(),
        WireType.Fixed64 => (ulong)Take(8).Length,
        WireType.Length => (ulong)Bytes().Length,
        WireType.Fixed32 => (ulong)Take(4).Length,
        _ => throw new OrcFault($"field {Field} of the metadata has the unknown wire type {(int)_wireType}"),
    };

    private readonly bool Expect(WireType type) =>
        _wireType == type ? true : throw new OrcFault($"field {Field} of the metadata has wire type {(int)_wireType} where {(int)type} is expected");

    private ulong Varint()
    {
        var value = 0ul;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw new OrcFault("the metadata ends within a number, or a number has more than 10 bytes");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new OrcFault($"field {Field} of the metadata claims {count} bytes, but {_rest.Length} are left");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
