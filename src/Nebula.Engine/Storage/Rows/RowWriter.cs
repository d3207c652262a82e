using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Storage.Rows;

/// <summary>Writes values in the row form (see README.md of this folder's parent) into a segment that is exchanged when a row does not fit.</summary>
internal sealed unsafe class RowWriter(BufferPool pool, List<PooledBuffer> segments)
{
    private const int SmallestSegment = 4 << 10;
    private const int LargestSegment = 256 << 10;
    private byte* _memory;
    private int _capacity;
    private int _rowStart;
    private int _position;
    private long _rented;

    /// <summary>Appends one row.</summary>
    /// <param name="columns">The columns it is taken from.</param>
    /// <param name="index">Its position in them.</param>
    public void WriteRow(ImmutableArray<Column> columns, int index)
    {
        WriteStruct(columns, index);
        _rowStart = _position;
        if (segments.Count > 0)
            segments[^1].Length = _position;
    }

    /// <summary>Starts over, when all segments were returned.</summary>
    public void Reset()
    {
        _memory = null;
        (_capacity, _rowStart, _position, _rented) = (0, 0, 0, 0);
    }

    private void WriteStruct(ImmutableArray<Column> fields, int index)
    {
        var nulls = ReserveNulls(fields.Length);
        for (var i = 0; i < fields.Length; i++)
        {
            var field = fields[i];
            if (field.IsNull(index))
                SetNull(nulls, i);
            else
                WriteValue(field, index);
        }
    }

    private void WriteValue(Column column, int index)
    {
        switch (ColumnLayouts.Of(column.Type))
        {
            case ColumnLayout.Bits:
                Write((byte)(Bitmap.Get(column.Bits, index) ? 1 : 0));
                break;
            case ColumnLayout.Fixed:
                WriteFixed(column, index);
                break;
            case ColumnLayout.Bytes:
                var bytes = column.GetBytes(index);
                WriteCount(bytes.Length);
                bytes.CopyTo(new Span<byte>(Reserve(bytes.Length), bytes.Length));
                break;
            case ColumnLayout.List:
                WriteList(column, index);
                break;
            default:
                WriteStruct(column.Children, index);
                break;
        }
    }

    private void WriteFixed(Column column, int index)
    {
        switch (column.Type.ByteWidth)
        {
            case 1:
                Write(column.Values<byte>()[index]);
                break;
            case 2:
                Write(column.Values<short>()[index]);
                break;
            case 4:
                Write(column.Values<int>()[index]);
                break;
            case 8:
                Write(column.Values<long>()[index]);
                break;
            default:
                Write(column.Values<Int128>()[index]);
                break;
        }
    }

    private void WriteList(Column column, int index)
    {
        var start = column.Offsets[index];
        var count = column.Offsets[index + 1] - start;
        WriteCount(count);
        foreach (var child in column.Children)
        {
            var nulls = ReserveNulls(count);
            for (var i = 0; i < count; i++)
            {
                if (child.IsNull(start + i))
                    SetNull(nulls, i);
                else
                    WriteValue(child, start + i);
            }
        }
    }

    /// <summary>Makes room for null bits. They are addressed from the start of the row, which may move while its values are written.</summary>
    private int ReserveNulls(int count)
    {
        var bytes = (count + 7) >> 3;
        new Span<byte>(Reserve(bytes), bytes).Clear();
        return _position - bytes - _rowStart;
    }

    private void SetNull(int nulls, int index) => _memory[_rowStart + nulls + (index >> 3)] |= (byte)(1 << (index & 7));

    private void WriteCount(int count)
    {
        var rest = (uint)count;
        for (; rest >= 0x80; rest >>= 7)
            Write((byte)(rest | 0x80));
        Write((byte)rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write<T>(T value) where T : unmanaged => Unsafe.WriteUnaligned(Reserve(sizeof(T)), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Reserve(int count)
    {
        if ((uint)count > (uint)(_capacity - _position))
            MoveRow(count);
        var reserved = _memory + _position;
        _position += count;
        return reserved;
    }

    /// <summary>Moves what is written of the row into a new segment.</summary>
    /// <remarks>Segments grow with what is held, so that the unused end of the last is about an eighth at most.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void MoveRow(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var written = _position - _rowStart;
        var needed = (long)written + count;
        if (needed > BufferPool.MaxCapacity)
            throw new DataFormatException($"A record takes {Units.FormatSize(needed)}, more than the {Units.FormatSize(BufferPool.MaxCapacity)} "
                + "that a row can have. Hold records as columns, or leave out the largest column.");
        var usual = Math.Clamp(_rented / 8 & -SmallestSegment, SmallestSegment, LargestSegment);
        var twice = _rowStart == 0 ? 2L * _capacity : 0;
        var segment = pool.Rent((int)Math.Min(Math.Max(Math.Max(usual, needed), twice), BufferPool.MaxCapacity));
        new ReadOnlySpan<byte>(_memory + _rowStart, written).CopyTo(segment.Span);
        if (_rowStart == 0 && segments.Count > 0)
        {
            // The row is the first of its segment: nothing else lives there.
            _rented -= segments[^1].Capacity;
            segments[^1].Dispose();
            segments.RemoveAt(segments.Count - 1);
        }
        segments.Add(segment);
        _rented += segment.Capacity;
        _memory = segment.Pointer;
        _capacity = segment.Capacity;
        _position = written;
        _rowStart = 0;
    }
}
