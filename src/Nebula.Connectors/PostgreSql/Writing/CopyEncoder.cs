using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>A column that is sent.</summary>
/// <param name="Index">Its position in the batch.</param>
/// <param name="Wire">The form in which its values are sent.</param>
internal readonly record struct CopyColumn(int Index, PostgreSqlWire Wire);

/// <summary>Turns columns into rows of a binary <c>COPY</c>. Stateless: one serves all threads. Manual, <c>COPY</c>, "Binary Format".</summary>
/// <param name="pool">Where buffers come from.</param>
/// <param name="stream">The stream, for messages.</param>
/// <param name="columns">The columns in the order in which they are sent.</param>
/// <param name="isNumbered">Whether each row begins with its number, four bytes.</param>
internal sealed unsafe class CopyEncoder(BufferPool pool, string stream, ImmutableArray<CopyColumn> columns, bool isNumbered = false)
{
    // from 4713 BC (4714 in the calendar that is used) to 5874897, and to 294276: src/include/datatype/timestamp.h
    private const int FirstDay = -2_451_545, LastDay = 2_145_031_948;
    private const long FirstMicrosecond = -211_813_488_000_000_000, LastMicrosecond = 9_223_371_331_199_999_999;
    private const byte JsonbVersion = 1;
    private const int LengthSize = sizeof(int);

    /// <summary>What comes before the first row.</summary>
    public static ReadOnlyMemory<byte> Header { get; } = new byte[] { 0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

    /// <summary>What comes behind the last row.</summary>
    public static ReadOnlyMemory<byte> Trailer { get; } = new byte[] { 0xFF, 0xFF };

    /// <summary>Encodes all rows of a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <exception cref="NebulaException">A value cannot be stored.</exception>
    public EncodedBlock Encode(RecordBatch batch) => Encode(batch, 0, batch.Length, 0);

    /// <summary>Encodes some rows of a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="start">The first of them.</param>
    /// <param name="count">Number of them.</param>
    /// <param name="number">The number of the first.</param>
    /// <exception cref="NebulaException">A value cannot be stored.</exception>
    public EncodedBlock Encode(RecordBatch batch, int start, int count, int number)
    {
        var cells = new Cell[columns.Length];
        long size = (long)count * (sizeof(short) + (isNumbered ? LengthSize + sizeof(int) : 0));
        for (var i = 0; i < cells.Length; i++)
        {
            var column = batch.Columns[columns[i].Index];
            RequireNoZeros(column, batch.Schema.Fields[columns[i].Index].Name, columns[i].Wire);
            cells[i] = new Cell(column, columns[i].Wire);
            size += (long)count * (LengthSize + cells[i].MaxWidth) + cells[i].ByteCount(start, count);
        }
        if (size > BufferPool.MaxCapacity)
            throw new DataFormatException(
                $"{count:N0} rows of {stream} need {Units.FormatSize(size)} at once, more than can be sent. Set a smaller 'batch_size'.");
        var buffer = pool.Rent((int)size);
        try
        {
            var p = buffer.Pointer;
            var fields = BinaryPrimitives.ReverseEndianness((short)(cells.Length + (isNumbered ? 1 : 0)));
            for (var row = start; row < start + count; row++)
            {
                Put(ref p, fields);
                if (isNumbered)
                {
                    Put(ref p, BinaryPrimitives.ReverseEndianness(sizeof(int)));
                    Put(ref p, BinaryPrimitives.ReverseEndianness(number++));
                }
                for (var i = 0; i < cells.Length; i++)
                {
                    ref readonly var cell = ref cells[i];
                    var end = cell.IsNull(row) ? null : cell.Write(p + LengthSize, row);
                    if (end == p)
                        throw OutOfRange(batch, columns[i].Index, row, cell.Wire);
                    var length = end == null ? -1 : (int)(end - p) - LengthSize;
                    Put(ref p, BinaryPrimitives.ReverseEndianness(length));
                    if (end != null)
                        p = end;
                }
            }
            buffer.Length = (int)(p - buffer.Pointer);
            return new EncodedBlock(buffer, count);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<T>(ref byte* p, T value) where T : unmanaged
    {
        Unsafe.WriteUnaligned(p, value);
        p += sizeof(T);
    }

    /// <summary>Text of PostgreSQL cannot hold U+0000.</summary>
    private void RequireNoZeros(Column column, string name, PostgreSqlWire wire)
    {
        if (column.Type.Kind is not (TypeKind.String or TypeKind.Json) || wire is not (PostgreSqlWire.Bytes or PostgreSqlWire.Jsonb))
            return;
        var values = column.Dictionary ?? column;
        if (!values.Bytes.Contains((byte)0))
            return;
        for (var row = 0; row < column.Length; row++)
            if (!column.IsNull(row) && column.GetBytes(row).Contains((byte)0))
                throw new DataFormatException(
                    $"The value {DataFormatException.Show(column.GetBytes(row))} has a zero character (U+0000), which text of PostgreSQL cannot hold "
                    + $"(row {row + 1:N0} of those that are sent together). Write the column as bytes (columns: {{ {name}: binary }}), or leave it out.",
                    new SourceLocation(stream, Column: name));
    }

    private DataFormatException OutOfRange(RecordBatch batch, int column, int row, PostgreSqlWire wire) => new(
        $"A {(wire == PostgreSqlWire.Date ? "date" : wire == PostgreSqlWire.Time ? "time of day" : "timestamp")} is out of the range of PostgreSQL "
        + $"(row {row + 1:N0} of those that are sent together; {Value(batch.Columns[column], row)}). "
        + $"Write the column as text (columns: {{ {batch.Schema.Fields[column].Name}: string }}).",
        new SourceLocation(stream, Column: batch.Schema.Fields[column].Name));

    private static string Value(Column column, int row) => column.Type.Kind == TypeKind.Date
        ? $"{column.Values<int>()[row]:N0} days from 1970-01-01"
        : $"{column.Values<long>()[row]:N0} µs from {(column.Type.Kind == TypeKind.Time ? "midnight" : "1970-01-01")}";

    /// <summary>The values of a column. Holds its pointers, which are good as long as the column is.</summary>
    private readonly struct Cell
    {
        private readonly byte* _validity;
        private readonly byte* _values;
        private readonly int* _offsets;
        private readonly int* _indices;
        private readonly int _scale;
        private readonly bool _isWide;

        public Cell(Column column, PostgreSqlWire wire)
        {
            Wire = wire;
            _validity = Address(column.Validity);
            if (column.Dictionary is { } dictionary)
            {
                _indices = (int*)Address(MemoryMarshal.AsBytes(column.Indices));
                column = dictionary;
            }
            _offsets = (int*)Address(MemoryMarshal.AsBytes(column.Offsets));
            _values = column.Type.IsVariableBinary ? Address(column.Bytes) : column.Type.Kind == TypeKind.Bool ? Address(column.Bits)
                : Address(column.Values<byte>());
            _scale = column.Type.Scale;
            _isWide = column.Type.ByteWidth == 16;
            MaxWidth = wire switch
            {
                PostgreSqlWire.Bool or PostgreSqlWire.Jsonb => 1,
                PostgreSqlWire.Bytes => 0,
                PostgreSqlWire.Numeric => NumericWriter.MaxLength,
                _ => column.Type.ByteWidth,
            };
        }

        public PostgreSqlWire Wire { get; }

        /// <summary>Most bytes of a value, but for those of text.</summary>
        public int MaxWidth { get; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsNull(int row) => _validity != null && (_validity[row >> 3] >> (row & 7) & 1) == 0;

        /// <summary>Bytes of text of some rows.</summary>
        public long ByteCount(int start, int count)
        {
            if (_offsets == null || count == 0)
                return 0;
            if (_indices == null)
                return _offsets[start + count] - _offsets[start];
            var sum = 0L;
            for (var row = start; row < start + count; row++)
                if (!IsNull(row))
                    sum += _offsets[_indices[row] + 1] - _offsets[_indices[row]];
            return sum;
        }

        /// <summary>Writes a value that is not null.</summary>
        /// <returns>Behind what was written; in front of its length where the value is out of range.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* Write(byte* p, int row)
        {
            switch (Wire)
            {
                case PostgreSqlWire.Bytes:
                    return WriteBytes(p, row);
                case PostgreSqlWire.Int4 or PostgreSqlWire.Float4 or PostgreSqlWire.Oid:
                    Put(ref p, BinaryPrimitives.ReverseEndianness(((int*)_values)[row]));
                    return p;
                case PostgreSqlWire.Int8 or PostgreSqlWire.Float8:
                    Put(ref p, BinaryPrimitives.ReverseEndianness(((long*)_values)[row]));
                    return p;
                case PostgreSqlWire.Int2:
                    Put(ref p, BinaryPrimitives.ReverseEndianness(((short*)_values)[row]));
                    return p;
                case PostgreSqlWire.Bool:
                    *p = (byte)(_values[row >> 3] >> (row & 7) & 1);
                    return p + 1;
                case PostgreSqlWire.Time:
                    return WriteLong(p, ((long*)_values)[row], 0, 0, Epoch.MicrosecondsPerDay);
                case PostgreSqlWire.Timestamp:
                    return WriteLong(p, ((long*)_values)[row], Epoch.MicrosecondsTo2000, FirstMicrosecond, LastMicrosecond);
                case PostgreSqlWire.Date:
                    var days = (long)((int*)_values)[row] - Epoch.DaysTo2000;
                    if (days is < FirstDay or > LastDay)
                        return p - LengthSize;
                    Put(ref p, BinaryPrimitives.ReverseEndianness((int)days));
                    return p;
                case PostgreSqlWire.Uuid:
                    Put(ref p, ((Int128*)_values)[row]);
                    return p;
                case PostgreSqlWire.Numeric:
                    return _isWide ? NumericWriter.Write(p, ((Int128*)_values)[row], _scale) : NumericWriter.Write(p, ((long*)_values)[row], _scale);
                default:
                    *p = JsonbVersion;
                    return WriteBytes(p + 1, row);
            }
        }

        private static byte* WriteLong(byte* p, long value, long origin, long first, long last)
        {
            // what is as far away that it cannot be moved is out of range too
            if (value < long.MinValue + origin || value - origin < first || value - origin > last)
                return p - LengthSize;
            Put(ref p, BinaryPrimitives.ReverseEndianness(value - origin));
            return p;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private byte* WriteBytes(byte* p, int row)
        {
            var at = _indices == null ? row : _indices[row];
            var from = _offsets[at];
            var length = _offsets[at + 1] - from;
            Buffer.MemoryCopy(_values + from, p, length, length);
            return p + length;
        }

        private static byte* Address(ReadOnlySpan<byte> span) => span.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
    }
}
