using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage.Rows;

/// <summary>Reads rows that <see cref="RowWriter"/> wrote, front to back, into column builders.</summary>
/// <remarks>The bytes never left this process, so they are not doubted.</remarks>
internal sealed unsafe class RowReader(IReadOnlyList<PooledBuffer> segments)
{
    private int _next;
    private byte* _position;
    private byte* _end;

    /// <summary>Bytes of all rows read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Appends the next row to the builders of its fields.</summary>
    /// <param name="fields">A builder per field.</param>
    /// <returns>False when there is none left.</returns>
    public bool ReadRow(ImmutableArray<ColumnBuilder> fields)
    {
        while (_position == _end)
        {
            if (_next == segments.Count)
                return false;
            var segment = segments[_next++];
            _position = segment.Pointer;
            _end = _position + segment.Length;
        }
        var start = _position;
        ReadStruct(fields);
        BytesRead += _position - start;
        return true;
    }

    private void ReadStruct(ImmutableArray<ColumnBuilder> fields)
    {
        var nulls = _position;
        _position += (fields.Length + 7) >> 3;
        for (var i = 0; i < fields.Length; i++)
            ReadSlot(fields[i], nulls, i);
    }

    private void ReadSlot(ColumnBuilder builder, byte* nulls, int index)
    {
        if ((nulls[index >> 3] >> (index & 7) & 1) != 0)
            builder.AppendNull();
        else
            ReadValue(builder);
    }

    private void ReadValue(ColumnBuilder builder)
    {
        switch (builder.Layout)
        {
            case ColumnLayout.Bits:
                builder.AppendBool(*_position++ != 0);
                break;
            case ColumnLayout.Fixed:
                ReadFixed(builder);
                break;
            case ColumnLayout.Bytes:
                var length = ReadCount();
                builder.AppendBytes(new ReadOnlySpan<byte>(_position, length));
                _position += length;
                break;
            case ColumnLayout.List:
                var count = ReadCount();
                foreach (var child in builder.Children)
                {
                    var nulls = _position;
                    _position += (count + 7) >> 3;
                    for (var i = 0; i < count; i++)
                        ReadSlot(child, nulls, i);
                }
                builder.EndList();
                break;
            default:
                ReadStruct(builder.Children);
                builder.EndStruct();
                break;
        }
    }

    private void ReadFixed(ColumnBuilder builder)
    {
        switch (builder.ByteWidth)
        {
            case 1:
                builder.Append(Read<byte>());
                break;
            case 2:
                builder.Append(Read<short>());
                break;
            case 4:
                builder.Append(Read<int>());
                break;
            case 8:
                builder.Append(Read<long>());
                break;
            default:
                builder.Append(Read<Int128>());
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Read<T>() where T : unmanaged
    {
        var value = Unsafe.ReadUnaligned<T>(_position);
        _position += sizeof(T);
        return value;
    }

    private int ReadCount()
    {
        uint count = *_position++;
        if (count < 0x80)
            return (int)count;
        count &= 0x7F;
        for (var shift = 7; ; shift += 7)
        {
            uint next = *_position++;
            count |= (next & 0x7F) << shift;
            if (next < 0x80)
                return (int)count;
        }
    }
}
