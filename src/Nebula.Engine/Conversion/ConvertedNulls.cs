using Nebula.Engine.Columns;

namespace Nebula.Engine.Conversion;

/// <summary>The validity of a converted column: that of its source, and null where a value was not converted.</summary>
internal sealed class ConvertedNulls : IDisposable
{
    private readonly BufferPool _pool;
    private readonly int _length;
    private PooledBuffer? _validity;

    /// <summary>Copies the validity of a column.</summary>
    public ConvertedNulls(Column source, BufferPool pool)
    {
        _pool = pool;
        _length = source.Length;
        Count = source.NullCount;
        if (source.NullCount == 0)
            return;
        _validity = pool.Rent(Bitmap.ByteCount(_length));
        source.Validity.CopyTo(_validity.Span);
    }

    /// <summary>Number of nulls.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a value is null.</summary>
    public bool IsNull(int row) => _validity is not null && !Bitmap.Get(_validity.Span, row);

    /// <summary>Makes a value null that was not.</summary>
    public void SetNull(int row)
    {
        if (_validity is null)
        {
            _validity = _pool.Rent(Bitmap.ByteCount(_length));
            _validity.Span[..Bitmap.ByteCount(_length)].Fill(0xFF);
        }
        Bitmap.Set(_validity.Span, row, false);
        Count++;
    }

    /// <summary>Gives the bitmap away; null when no value is null.</summary>
    public PooledBuffer? Detach()
    {
        var validity = _validity;
        _validity = null;
        return validity;
    }

    /// <summary>Returns the bitmap unless it was given away.</summary>
    public void Dispose() => _validity?.Dispose();
}
