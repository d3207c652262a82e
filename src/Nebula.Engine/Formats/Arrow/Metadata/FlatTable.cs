using System.Buffers.Binary;

namespace Nebula.Engine.Formats.Arrow.Metadata;

/// <summary>
/// A table of a FlatBuffers buffer (FlatBuffers internals, "Tables"). Every offset is checked when it is followed, so that no buffer, however
/// damaged, is read outside; a field that is absent has its default.
/// </summary>
internal readonly ref struct FlatTable
{
    private readonly ReadOnlySpan<byte> _buffer;
    private readonly ReadOnlySpan<byte> _slots;
    private readonly int _position;
    private readonly int _size;

    private FlatTable(ReadOnlySpan<byte> buffer, int position)
    {
        if ((uint)position > (uint)(buffer.Length - sizeof(int)))
            throw new ArrowFault("a table lies outside of the metadata", position);
        var vtable = (long)position - BinaryPrimitives.ReadInt32LittleEndian(buffer[position..]);
        if (vtable < 0 || vtable > buffer.Length - 2 * sizeof(ushort))
            throw new ArrowFault("the description of a table lies outside of the metadata", position);
        var slots = buffer[(int)vtable..];
        int length = BinaryPrimitives.ReadUInt16LittleEndian(slots);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(slots[sizeof(ushort)..]);
        if (length < 2 * sizeof(ushort) || length > slots.Length || size < sizeof(int) || size > buffer.Length - position)
            throw new ArrowFault("a table reaches beyond the end of the metadata", position);
        _buffer = buffer;
        _slots = slots[..length];
        _position = position;
        _size = size;
    }

    /// <summary>Whether there is a table.</summary>
    public bool Exists => _size > 0;

    /// <summary>The table that a buffer starts with.</summary>
    /// <param name="buffer">The buffer.</param>
    public static FlatTable Root(ReadOnlySpan<byte> buffer) =>
        buffer.Length < sizeof(int) ? throw new ArrowFault("the metadata is empty", 0) : new FlatTable(buffer, Follow(buffer, 0));

    /// <summary>A byte; its default when absent.</summary>
    /// <param name="id">Position of the field in the schema, from 0; a union counts twice.</param>
    /// <param name="absent">The default.</param>
    public byte Byte(int id, byte absent = 0) => Find(id, sizeof(byte)) is >= 0 and var at ? _buffer[at] : absent;

    /// <inheritdoc cref="Byte"/>
    public bool Bool(int id) => Byte(id) != 0;

    /// <inheritdoc cref="Byte"/>
    public short Int16(int id, short absent = 0) => Find(id, sizeof(short)) is >= 0 and var at ? BinaryPrimitives.ReadInt16LittleEndian(_buffer[at..]) : absent;

    /// <inheritdoc cref="Byte"/>
    public int Int32(int id, int absent = 0) => Find(id, sizeof(int)) is >= 0 and var at ? BinaryPrimitives.ReadInt32LittleEndian(_buffer[at..]) : absent;

    /// <inheritdoc cref="Byte"/>
    public long Int64(int id, long absent = 0) => Find(id, sizeof(long)) is >= 0 and var at ? BinaryPrimitives.ReadInt64LittleEndian(_buffer[at..]) : absent;

    /// <summary>A table inside this one; check <see cref="Exists"/>.</summary>
    /// <param name="id">Position of the field.</param>
    public FlatTable Table(int id) => Find(id, sizeof(uint)) is >= 0 and var at ? new FlatTable(_buffer, Follow(_buffer, at)) : default;

    /// <summary>A vector of scalars, structs or offsets; empty when absent.</summary>
    /// <param name="id">Position of the field.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    public FlatVector Vector(int id, int elementSize)
    {
        if (Find(id, sizeof(uint)) is not (>= 0 and var at))
            return default;
        var start = Follow(_buffer, at);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(_buffer[start..]);
        if (count * (long)elementSize > _buffer.Length - start - sizeof(uint))
            throw new ArrowFault($"a vector of {count} elements reaches beyond the end of the metadata", start);
        return new FlatVector(_buffer, start + sizeof(uint), (int)count, elementSize);
    }

    /// <summary>The bytes of a string; empty when absent.</summary>
    /// <param name="id">Position of the field.</param>
    /// <param name="exists">Whether it is there.</param>
    public ReadOnlySpan<byte> String(int id, out bool exists)
    {
        var bytes = Vector(id, sizeof(byte));
        exists = bytes.Exists;
        return bytes.Bytes;
    }

    /// <summary>The table at an offset stored in the buffer.</summary>
    internal static FlatTable At(ReadOnlySpan<byte> buffer, int offsetPosition) => new(buffer, Follow(buffer, offsetPosition));

    private static int Follow(ReadOnlySpan<byte> buffer, int at)
    {
        var target = at + (long)BinaryPrimitives.ReadUInt32LittleEndian(buffer[at..]);
        return target <= buffer.Length - sizeof(int) ? (int)target : throw new ArrowFault("an offset points outside of the metadata", at);
    }

    /// <summary>Where a field is stored; -1 when it is absent.</summary>
    private int Find(int id, int size)
    {
        var slot = 2 * sizeof(ushort) + id * sizeof(ushort);
        if (slot + sizeof(ushort) > _slots.Length)
            return -1;
        var offset = BinaryPrimitives.ReadUInt16LittleEndian(_slots[slot..]);
        if (offset == 0)
            return -1;
        return offset + size <= _size ? _position + offset : throw new ArrowFault("a field lies outside of its table", _position);
    }
}

/// <summary>A vector of a FlatBuffers buffer, checked to lie inside it.</summary>
internal readonly ref struct FlatVector(ReadOnlySpan<byte> buffer, int position, int count, int elementSize)
{
    private readonly ReadOnlySpan<byte> _buffer = buffer;

    /// <summary>Whether it is there: an empty vector is, an absent one is not.</summary>
    public bool Exists { get; } = true;

    /// <summary>Number of elements.</summary>
    public int Count { get; } = count;

    /// <summary>All elements as bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.IsEmpty ? default : _buffer.Slice(position, Count * elementSize);

    /// <summary>The bytes of one element.</summary>
    /// <param name="index">Its position.</param>
    public ReadOnlySpan<byte> this[int index] => Bytes.Slice(index * elementSize, elementSize);

    /// <summary>An element of a vector of tables.</summary>
    /// <param name="index">Its position.</param>
    public FlatTable Table(int index) => index < Count ? FlatTable.At(_buffer, position + index * elementSize)
        : throw new ArgumentOutOfRangeException(nameof(index));
}
