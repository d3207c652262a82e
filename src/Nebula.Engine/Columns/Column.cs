using System.Collections.Immutable;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>
/// A run of values of one type in the memory layout of Apache Arrow: validity bitmap (absent where no value is null), values, int32 offsets,
/// child columns. Owns its buffers; <see cref="Dispose"/> returns them.
/// </summary>
/// <remarks>
/// <para>Slots that are null hold meaningless but readable values, so loops may run over them without a branch.</para>
/// <para>A dictionary-encoded string column has int32 <see cref="Indices"/> into <see cref="Dictionary"/>, and neither offsets nor bytes of its own.</para>
/// <para>Where Arrow stores decimals in 16 bytes, those of up to 18 digits take 8 here.</para>
/// </remarks>
public sealed class Column : IDisposable
{
    private readonly PooledBuffer? _validity;
    private readonly PooledBuffer? _values;
    private readonly PooledBuffer? _offsets;

    /// <summary>Makes a column of buffers, which it owns from here on.</summary>
    /// <param name="type">Type of the values.</param>
    /// <param name="length">Number of values.</param>
    /// <param name="nullCount">Number of them that are null.</param>
    /// <param name="validity">Bit per value, set where it is not null; may be absent when <paramref name="nullCount"/> is 0.</param>
    /// <param name="values">Values of fixed width, bits of booleans, bytes of strings, indices of a dictionary.</param>
    /// <param name="offsets">Length + 1 int32 offsets of strings, lists and maps.</param>
    /// <param name="children">Children of nested types.</param>
    /// <param name="dictionary">Distinct values of a dictionary-encoded string column.</param>
    public Column(DataType type, int length, int nullCount, PooledBuffer? validity, PooledBuffer? values, PooledBuffer? offsets = null,
        ImmutableArray<Column> children = default, Column? dictionary = null)
    {
        Type = type;
        Length = length;
        NullCount = nullCount;
        _validity = validity;
        _values = values;
        _offsets = offsets;
        Children = children.IsDefault ? [] : children;
        Dictionary = dictionary;
    }

    /// <summary>Type of the values.</summary>
    public DataType Type { get; }

    /// <summary>Number of values.</summary>
    public int Length { get; }

    /// <summary>Number of values that are null.</summary>
    public int NullCount { get; }

    /// <summary>The fields of a struct; the element column of a list; the key and value columns of a map.</summary>
    public ImmutableArray<Column> Children { get; }

    /// <summary>Distinct values, when the column is dictionary-encoded; else null.</summary>
    public Column? Dictionary { get; }

    /// <summary>Whether a validity bitmap exists. Without one no value is null; with one some may be.</summary>
    public bool HasValidity => _validity is not null;

    /// <summary>Bit per value, set where it is not null; empty where no value is null.</summary>
    public ReadOnlySpan<byte> Validity => _validity is null ? default : _validity.Span[..Bitmap.ByteCount(Length)];

    /// <summary>Bits of a boolean column.</summary>
    public ReadOnlySpan<byte> Bits => _values is null ? default : _values.Span[..Bitmap.ByteCount(Length)];

    /// <summary>Length + 1 offsets: of strings into <see cref="Bytes"/>, of lists and maps into the children.</summary>
    public ReadOnlySpan<int> Offsets => _offsets is null ? default : _offsets.As<int>()[..(Length + 1)];

    /// <summary>Bytes of all strings, one behind the other.</summary>
    public ReadOnlySpan<byte> Bytes => _offsets is null || _values is null ? default : _values.Span[..Offsets[Length]];

    /// <summary>Positions in <see cref="Dictionary"/> of a dictionary-encoded column.</summary>
    public ReadOnlySpan<int> Indices => Values<int>();

    /// <summary>Bytes of the buffers on loan, children and dictionary included.</summary>
    public long BufferBytes => (_validity?.Capacity ?? 0L) + (_values?.Capacity ?? 0L) + (_offsets?.Capacity ?? 0L)
        + (Dictionary?.BufferBytes ?? 0L) + Children.Sum(static child => child.BufferBytes);

    /// <summary>Values of fixed width.</summary>
    /// <typeparam name="T">A type as wide as <see cref="DataType.ByteWidth"/>.</typeparam>
    public ReadOnlySpan<T> Values<T>() where T : unmanaged => _values is null ? default : _values.As<T>()[..Length];

    /// <summary>Whether a value is null.</summary>
    /// <param name="index">Position of the value.</param>
    public bool IsNull(int index) => _validity is not null && !Bitmap.Get(_validity.Span, index);

    /// <summary>Bytes of one string, binary or JSON value, wherever they are stored.</summary>
    /// <param name="index">Position of the value.</param>
    public ReadOnlySpan<byte> GetBytes(int index)
    {
        if (Dictionary is not null)
            return Dictionary.GetBytes(Indices[index]);
        var offsets = Offsets;
        return _values!.Span[offsets[index]..offsets[index + 1]];
    }

    /// <summary>The same values with other nulls, in the same buffers, which the result owns: this column is not to be used any more.</summary>
    /// <param name="nullCount">Number of values that are null.</param>
    /// <param name="validity">Bit per value, set where it is not null; may be null when none is.</param>
    internal Column WithNulls(int nullCount, PooledBuffer? validity)
    {
        _validity?.Dispose();
        return new Column(Type, Length, nullCount, validity, _values, _offsets, Children, Dictionary);
    }

    /// <summary>The same values in the same memory, to be disposed of apart from this column: the memory is free when both are.</summary>
    internal Column Share() => new(Type, Length, NullCount, Share(_validity), Share(_values), Share(_offsets),
        [.. Children.Select(static child => child.Share())], Dictionary?.Share());

    private static PooledBuffer? Share(PooledBuffer? buffer) => buffer?.Slice(0, buffer.Capacity);

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        _validity?.Dispose();
        _values?.Dispose();
        _offsets?.Dispose();
        Dictionary?.Dispose();
        foreach (var child in Children)
            child.Dispose();
    }
}
