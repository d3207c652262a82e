using System.Buffers.Binary;
using System.Text;

namespace Nebula.Engine.Formats.Arrow.Writing;

/// <summary>A field of a table about to be written.</summary>
/// <param name="Id">Position in the schema, from 0; a union counts twice.</param>
/// <param name="Size">Bytes: 1, 2, 4 or 8.</param>
/// <param name="Value">Its value; 0 for an offset, which is linked later.</param>
internal readonly record struct FlatField(int Id, int Size, long Value = 0)
{
    /// <summary>A field that points to a table, vector or string, to be linked with <see cref="FlatBufferWriter.Link(int,int,int)"/>.</summary>
    public static FlatField Offset(int id) => new(id, sizeof(uint));
}

/// <summary>
/// Writes a FlatBuffers buffer front to back: what is pointed to stands behind what points to it, and every value at a multiple of its size.
/// </summary>
internal sealed class FlatBufferWriter
{
    private byte[] _bytes = new byte[256];
    private int _length = sizeof(uint);

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Writes a table.</summary>
    /// <param name="fields">Its fields.</param>
    /// <returns>Where it is.</returns>
    public int Table(params ReadOnlySpan<FlatField> fields)
    {
        var slots = 0;
        foreach (var field in fields)
            slots = Math.Max(slots, field.Id + 1);
        Align(sizeof(ushort));
        var vtable = Reserve((2 + slots) * sizeof(ushort));
        Align(sizeof(int));
        var table = Reserve(sizeof(int));
        Span<byte> sizes = [8, 4, 2, 1];
        foreach (var size in sizes)
            foreach (var field in fields)
                if (field.Size == size)
                {
                    Align(size);
                    var at = Reserve(size);
                    Put(at, size, field.Value);
                    Put(vtable + (2 + field.Id) * sizeof(ushort), sizeof(ushort), at - table);
                }
        Put(vtable, sizeof(ushort), (2 + slots) * sizeof(ushort));
        Put(vtable + sizeof(ushort), sizeof(ushort), _length - table);
        Put(table, sizeof(int), table - vtable);
        return table;
    }

    /// <summary>Writes a vector of zeros.</summary>
    /// <param name="count">Number of elements.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    /// <param name="alignment">What the position of the first must be a multiple of.</param>
    /// <returns>Where it is; elements begin 4 bytes behind.</returns>
    public int Vector(int count, int elementSize, int alignment)
    {
        while ((_length + sizeof(uint)) % Math.Max(alignment, sizeof(uint)) != 0)
            Reserve(1);
        var vector = Reserve(sizeof(uint) + count * elementSize);
        Put(vector, sizeof(uint), count);
        return vector;
    }

    /// <summary>Writes a string.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Where it is.</returns>
    public int String(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var vector = Vector(length, 1, 1);
        Reserve(1); // zero behind the text
        Encoding.UTF8.GetBytes(text, _bytes.AsSpan(vector + sizeof(uint)));
        return vector;
    }

    /// <summary>Makes a field of a table point to something.</summary>
    /// <param name="table">The table.</param>
    /// <param name="id">The field.</param>
    /// <param name="target">What it points to.</param>
    public void Link(int table, int id, int target) => LinkAt(PositionOf(table, id), target);

    /// <summary>Makes an element of a vector point to something.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="index">The element.</param>
    /// <param name="target">What it points to.</param>
    public void LinkElement(int vector, int index, int target) => LinkAt(vector + sizeof(uint) + index * sizeof(uint), target);

    /// <summary>Makes a table the root.</summary>
    /// <param name="table">The table.</param>
    public void SetRoot(int table) => LinkAt(0, table);

    /// <summary>Where a field of a table is.</summary>
    /// <param name="table">The table.</param>
    /// <param name="id">The field.</param>
    public int PositionOf(int table, int id)
    {
        var vtable = table - BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(table));
        return table + BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(vtable + (2 + id) * sizeof(ushort)));
    }

    /// <summary>Writes a number into what was written before.</summary>
    /// <param name="at">Where it goes.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8.</param>
    /// <param name="value">The number.</param>
    public void Put(int at, int size, long value)
    {
        for (var i = 0; i < size; i++)
            _bytes[at + i] = (byte)(value >> (8 * i));
    }

    private void LinkAt(int at, int target) => Put(at, sizeof(uint), target - at);

    private void Align(int alignment)
    {
        while (_length % alignment != 0)
            Reserve(1);
    }

    private int Reserve(int count)
    {
        var at = _length;
        _length = checked(_length + count);
        if (_length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_length, 2 * _bytes.Length));
        return at;
    }
}
