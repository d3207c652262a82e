using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>Messages that are on their way to a server.</summary>
internal sealed class WireOutput
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private int _length = -1;

    /// <summary>Begins a message, behind the one before.</summary>
    /// <param name="type">Its type; null for the first of a connection, which has none.</param>
    public WireOutput Begin(char? type = null)
    {
        Close();
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

    /// <summary>Writes a number of two bytes.</summary>
    public WireOutput Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_bytes.GetSpan(sizeof(short)), value);
        _bytes.Advance(sizeof(short));
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

    /// <summary>Writes a value of a statement: its length, and text.</summary>
    public WireOutput Value(string value)
    {
        Int32(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, _bytes);
        return this;
    }

    /// <summary>Ends the message.</summary>
    /// <returns>The bytes of all messages.</returns>
    public ReadOnlySpan<byte> End()
    {
        Close();
        return _bytes.WrittenSpan;
    }

    private void Close()
    {
        if (_length < 0)
            return;
        var bytes = MemoryMarshal.AsMemory(_bytes.WrittenMemory).Span[_length..];
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length);
    }
}
