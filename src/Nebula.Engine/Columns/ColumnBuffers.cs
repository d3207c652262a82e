using System.Runtime.CompilerServices;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>
/// The growing buffers of one flat column while a decoder fills it. The decoder reserves room for a run of rows, writes through the pointers,
/// and then says how many rows there are; nothing is checked per value.
/// </summary>
internal sealed unsafe class ColumnBuffers(DataType type, BufferPool pool) : IDisposable
{
    private PooledBuffer? _validity;
    private PooledBuffer? _values;
    private PooledBuffer? _offsets;

    /// <summary>Type of the column.</summary>
    public DataType Type => type;

    /// <summary>Rows written so far.</summary>
    public int Rows { get; private set; }

    /// <summary>Nulls among them.</summary>
    public int Nulls { get; private set; }

    /// <summary>Values of fixed width, bits of booleans, or bytes of strings.</summary>
    public byte* Values => _values!.Pointer;

    /// <summary>Offsets of strings; entry 0 is 0.</summary>
    public int* Offsets => (int*)_offsets!.Pointer;

    /// <summary>Bit per row, set where the value is not null.</summary>
    public byte* Validity => _validity!.Pointer;

    /// <summary>Bytes of strings written so far.</summary>
    public int ByteCount => _offsets is null || Rows == 0 ? 0 : Offsets[Rows];

    /// <summary>Whether so many more bytes of strings fit without a larger buffer.</summary>
    /// <param name="bytes">Bytes of strings.</param>
    public bool HasRoom(int bytes) => _values is not null && _values.Capacity - ByteCount >= bytes;

    /// <summary>Makes room for more rows and, in a column of strings, more bytes. Pointers taken before are no longer good.</summary>
    /// <param name="rows">Rows about to be written.</param>
    /// <param name="bytes">Most bytes of strings about to be written.</param>
    /// <param name="expectedRows">Rows expected in all, so that buffers are right from the start.</param>
    /// <param name="expectedBytes">Bytes of strings expected in all.</param>
    public void Reserve(int rows, int bytes, int expectedRows, int expectedBytes)
    {
        var needed = Rows + rows;
        Grow(ref _validity, Bitmap.ByteCount(needed), Bitmap.ByteCount(Rows), Bitmap.ByteCount(expectedRows));
        if (type.IsVariableBinary)
        {
            var first = _offsets is null;
            Grow(ref _offsets, checked(4 * (needed + 1)), 4 * (Rows + 1), 4 * (expectedRows + 1));
            if (first)
                Offsets[0] = 0;
            var written = ByteCount;
            Grow(ref _values, checked(written + bytes), written, expectedBytes);
        }
        else if (type.Kind == TypeKind.Bool)
            Grow(ref _values, Bitmap.ByteCount(needed), Bitmap.ByteCount(Rows), Bitmap.ByteCount(expectedRows));
        else
            Grow(ref _values, checked(needed * type.ByteWidth), Rows * type.ByteWidth, expectedRows * type.ByteWidth);
    }

    /// <summary>Counts rows that were written.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="nulls">Number of nulls among them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int rows, int nulls)
    {
        Rows += rows;
        Nulls += nulls;
    }

    /// <summary>Takes rows back.</summary>
    /// <param name="rows">Rows that stay.</param>
    public void Truncate(int rows)
    {
        Rows = rows;
        Nulls = _validity is null ? 0 : rows - Bitmap.CountSet(_validity.Span, rows);
    }

    /// <summary>Makes the column and gives its buffers away. What is filled next starts anew.</summary>
    public Column Build()
    {
        if (_values is null)
            Reserve(0, 0, 0, 0);
        if (Nulls == 0)
        {
            _validity?.Dispose();
            _validity = null;
        }
        var column = new Column(type, Rows, Nulls, _validity, _values, _offsets);
        _validity = _values = _offsets = null;
        Rows = Nulls = 0;
        return column;
    }

    /// <summary>Returns the buffers that were not given away.</summary>
    public void Dispose()
    {
        _validity?.Dispose();
        _values?.Dispose();
        _offsets?.Dispose();
        _validity = _values = _offsets = null;
        Rows = Nulls = 0;
    }

    private void Grow(ref PooledBuffer? buffer, int needed, int used, int expected)
    {
        if (buffer is not null && buffer.Capacity >= needed)
            return;
        var capacity = buffer is null ? Math.Max(needed, expected) : Math.Max(needed, (int)Math.Min(buffer.Capacity * 3L / 2, BufferPool.MaxCapacity));
        var larger = pool.Rent(capacity);
        if (buffer is not null)
        {
            Buffer.MemoryCopy(buffer.Pointer, larger.Pointer, larger.Capacity, Math.Min(used, buffer.Capacity));
            buffer.Dispose();
        }
        buffer = larger;
    }
}
