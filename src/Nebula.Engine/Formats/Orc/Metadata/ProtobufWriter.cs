using System.Buffers.Binary;
using System.Text;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>Writes the fields of messages of Protocol Buffers.</summary>
/// <param name="target">Takes the bytes.</param>
internal sealed class ProtobufWriter(GrowingBuffer target)
{
    /// <summary>Bytes written so far.</summary>
    public int Length => target.Length;

    /// <summary>Writes an unsigned number.</summary>
    public void UInt64(int field, ulong value)
    {
        Tag(field, WireType.Varint);
        Varint(value);
    }

    /// <summary>Writes a number zigzag-coded.</summary>
    public void SInt64(int field, long value) => UInt64(field, (ulong)(value << 1 ^ value >> 63));

    /// <summary>Writes a number of double precision.</summary>
    public void Double(int field, double value)
    {
        Tag(field, WireType.Fixed64);
        BinaryPrimitives.WriteDoubleLittleEndian(target.Extend(sizeof(double)), value);
    }

    /// <summary>Writes bytes.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, WireType.Length);
        Varint((ulong)value.Length);
        value.CopyTo(target.Extend(value.Length));
    }

    /// <summary>Writes text.</summary>
    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes a number of a packed field, or of its content between <see cref="Begin"/> and <see cref="End"/>.</summary>
    public void Packed(ulong value) => Varint(value);

    /// <summary>Starts an embedded message, or a packed field.</summary>
    /// <returns>To be given to <see cref="End"/>.</returns>
    public int Begin(int field)
    {
        Tag(field, WireType.Length);
        return target.Length;
    }

    /// <summary>Ends what <see cref="Begin"/> started: puts its length in front of it.</summary>
    public void End(int begin)
    {
        var length = target.Length - begin;
        Span<byte> prefix = stackalloc byte[5];
        var count = 0;
        var rest = (uint)length;
        for (; rest >= 0x80; rest >>= 7)
            prefix[count++] = (byte)(rest | 0x80);
        prefix[count++] = (byte)rest;
        target.Extend(count);
        var written = target.Content[begin..];
        written[..length].CopyTo(written[count..]);
        prefix[..count].CopyTo(written);
    }

    private void Tag(int field, WireType type) => Varint((ulong)field << 3 | (ulong)type);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            target.Append((byte)(value | 0x80));
        target.Append((byte)value);
    }
}
