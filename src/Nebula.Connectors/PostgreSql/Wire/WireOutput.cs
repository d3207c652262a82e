using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>Messages that are on their way to a server.</summary>
internal sealed class WireOutput
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private int _length;

    /// <summary>Begins a message.</summary>
    /// <param name="type">Its type; null for the first of a connection, which has none.</param>
    public WireOutput Begin(char? type = null)
    {
        if (type is { } letter)
            Byte((byte)letter);
        _length = _bytes.WrittenCount;
        return Int32(0);
    }

    /// <summary>Writes a byte.</summary>
    public WireOutput Byte(byte value)
    {
        _bytes.Write([value]);
        return this;
    }

    /// <summary>Writes a number of four bytes.</summary>
    public WireOutput Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), value);
        _bytes.Advance(sizeof(int));
        return this;
    }

    /// <summary>Writes a number of eight bytes.</summary>
    public WireOutput UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
        return this;
    }

    /// <summary>Writes text, and the zero that ends it.</summary>
    public WireOutput Text(string value)
    {
        Encoding.UTF8.GetBytes(value, _bytes);
        return Byte(0);
    }

    /// <summary>Writes bytes.</summary>
    public WireOutput Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    /// <summary>Ends the message.</summary>
    /// <returns>All bytes.</returns>
    public ReadOnlySpan<byte> End()
    {
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_bytes.WrittenMemory).Span;
        BinaryPrimitives.WriteInt32BigEndian(bytes[_length..], bytes.Length - _length);
        return bytes;
    }
}
