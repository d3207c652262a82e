using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>Assembles a <see cref="Column"/> value by value or range by range in pooled buffers that grow.</summary>
/// <remarks>A value of a list is its length here and its elements in the children; a value of a struct is one value in each child.</remarks>
public sealed class ColumnBuilder : IDisposable
{
    private const int LargestPrepared = 16 << 20;
    private const int PresencePiece = 512;
    private readonly GrowingBuffer _validity;
    private readonly GrowingBuffer _values;
    private readonly GrowingBuffer _offsets;
    private bool _hasValidity;

    /// <summary>Makes an empty builder. It rents nothing yet.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="type">Type of the values.</param>
    public ColumnBuilder(BufferPool pool, DataType type)
    {
        Type = type;
        ByteWidth = type.ByteWidth;
        Layout = ColumnLayouts.Of(type);
        _validity = new GrowingBuffer(pool);
        _values = new GrowingBuffer(pool);
        _offsets = new GrowingBuffer(pool);
        Children = [.. type.Fields.Select(field => new ColumnBuilder(pool, field.Type))];
    }

    /// <summary>Type of the values.</summary>
    public DataType Type { get; }

    /// <summary><see cref="DataType.ByteWidth"/> of <see cref="Type"/>.</summary>
    public int ByteWidth { get; }

    /// <summary>Which of the append methods apply.</summary>
    internal ColumnLayout Layout { get; }

    /// <summary>Number of values.</summary>
    public int Length { get; private set; }

    /// <summary>Number of them that are null.</summary>
    public int NullCount { get; private set; }

    /// <summary>Builders of the children of a nested type.</summary>
    public ImmutableArray<ColumnBuilder> Children { get; }

    /// <summary>Bytes on loan, children included.</summary>
    public long BufferBytes
    {
        get
        {
            var bytes = 0L + _validity.Capacity + _values.Capacity + _offsets.Capacity;
            foreach (var child in Children)
                bytes += child.BufferBytes;
            return bytes;
        }
    }

    /// <summary>Appends a null of any type.</summary>
    public void AppendNull()
    {
        if (!_hasValidity)
            StartValidity();
        _validity.ExtendBits(Length + 1);
        NullCount++;
        switch (Layout)
        {
            case ColumnLayout.Bits:
                _values.ExtendBits(Length + 1);
                break;
            case ColumnLayout.Fixed:
                _values.Extend(ByteWidth).Clear();
                break;
            case ColumnLayout.Bytes:
                AppendOffset(_values.Length);
                break;
            case ColumnLayout.List:
                AppendOffset(Children[0].Length);
                break;
            default:
                foreach (var child in Children)
                    child.AppendNull();
                break;
        }
        Length++;
    }

    /// <summary>Appends a value of fixed width.</summary>
    /// <typeparam name="T">A type as wide as <see cref="DataType.ByteWidth"/>.</typeparam>
    /// <param name="value">The value, as <see cref="Type"/> is stored: a <c>date</c> is the days since 1970-01-01 as <see cref="int"/>, a <c>timestamp</c>
    /// its microseconds or nanoseconds as <see cref="long"/>, a <c>decimal</c> its unscaled digits as <see cref="long"/> or <see cref="Int128"/>.</param>
    /// <remarks>The width is not checked here but in <see cref="Build"/>.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append<T>(T value) where T : unmanaged
    {
        _values.Append(value);
        AppendValid();
    }

    /// <summary>Appends a boolean.</summary>
    /// <param name="value">The value.</param>
    public void AppendBool(bool value)
    {
        _values.ExtendBits(Length + 1);
        Bitmap.Set(_values.Content, Length, value);
        AppendValid();
    }

    /// <summary>Appends a string, binary or JSON value.</summary>
    /// <param name="value">Its bytes.</param>
    public void AppendBytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_values.Extend(value.Length));
        AppendOffset(_values.Length);
        AppendValid();
    }

    /// <summary>Appends a string, binary or JSON value that lies in a buffer of a pool.</summary>
    /// <param name="value">Its bytes, with <see cref="BufferPool.Padding"/> readable bytes behind them.</param>
    /// <param name="length">Their number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal unsafe void AppendPadded(byte* value, int length)
    {
        // also an empty text has a place
        var target = _values.Reserve(Math.Max(length, 1));
        // most texts are short, and how short cannot be foreseen: all are moved as one
        if (length <= Vector512<byte>.Count)
            Vector512.Load(value).Store(target);
        else
            Buffer.MemoryCopy(value, target, length, length);
        _ = _values.Extend(length);
        AppendOffset(_values.Length);
        AppendValid();
    }

    /// <summary>Appends values of fixed width.</summary>
    /// <typeparam name="T">A type as wide as <see cref="DataType.ByteWidth"/>.</typeparam>
    /// <param name="lengths">For each value a number, which is below 0 for a null.</param>
    /// <returns>The values, to be written before anything else is appended; those of nulls too, whatever they are.</returns>
    internal Span<T> AppendMany<T>(ReadOnlySpan<int> lengths) where T : unmanaged
    {
        var added = _values.Extend(lengths.Length * Unsafe.SizeOf<T>());
        AppendPresence(lengths);
        return MemoryMarshal.Cast<byte, T>(added);
    }

    /// <summary>Appends values that are true or false.</summary>
    /// <param name="bits">A bit for each, in whole 64-bit words; clear for a null.</param>
    /// <param name="lengths">The lengths of the values; below 0 for a null.</param>
    internal void AppendMany(ReadOnlySpan<byte> bits, ReadOnlySpan<int> lengths)
    {
        _values.ExtendBits(Length + lengths.Length);
        BitRange.Copy(bits, 0, _values.Content, Length, lengths.Length);
        AppendPresence(lengths);
    }

    /// <summary>Makes room for the bytes of values that <see cref="AppendMany(ReadOnlySpan{int})"/> appends.</summary>
    /// <param name="bytes">Number of bytes. <see cref="BufferPool.Padding"/> more may be overwritten.</param>
    internal unsafe byte* ReserveBytes(int bytes) => _values.Reserve(Math.Max(bytes, 1));

    /// <summary>Appends strings, binary or JSON values whose bytes stand in the room made for them, one behind the other.</summary>
    /// <param name="lengths">The lengths of the values; below 0 for a null.</param>
    internal void AppendMany(ReadOnlySpan<int> lengths)
    {
        if (_offsets.Length == 0)
            _offsets.Append(0);
        var end = _values.Length;
        var ends = MemoryMarshal.Cast<byte, int>(_offsets.Extend(lengths.Length * sizeof(int)));
        for (var i = 0; i < lengths.Length; i++)
        {
            end += Math.Max(lengths[i], 0);
            ends[i] = end;
        }
        _ = _values.Extend(end - _values.Length);
        AppendPresence(lengths);
    }

    /// <summary>Appends a string or JSON value.</summary>
    /// <param name="value">Its text.</param>
    public void AppendText(ReadOnlySpan<char> value)
    {
        Encoding.UTF8.GetBytes(value, _values.Extend(Encoding.UTF8.GetByteCount(value)));
        AppendOffset(_values.Length);
        AppendValid();
    }

    /// <summary>Ends a list or map: its elements are those appended to the children since the value before.</summary>
    public void EndList()
    {
        AppendOffset(Children[0].Length);
        AppendValid();
    }

    /// <summary>Ends a struct, after one value was appended to each child.</summary>
    public void EndStruct() => AppendValid();

    /// <summary>Makes room for values like those of a column, so that the buffers need not grow step by step. Children grow as they do.</summary>
    /// <param name="like">The column.</param>
    /// <param name="count">Number of values that will probably come.</param>
    public void Prepare(Column like, int count)
    {
        if (like.HasValidity)
            _validity.Prepare(Bitmap.ByteCount(count));
        switch (Layout)
        {
            case ColumnLayout.Bits:
                _values.Prepare(Bitmap.ByteCount(count));
                break;
            case ColumnLayout.Fixed:
                _values.Prepare((int)Math.Min((long)count * ByteWidth, LargestPrepared));
                break;
            case ColumnLayout.Bytes when like.Dictionary is null && like.Length > 0:
                // a little more than the first values need, as later ones often are longer
                _values.Prepare((int)Math.Min((long)like.Bytes.Length * count / like.Length * 17 / 16, LargestPrepared));
                _offsets.Prepare((count + 1) * sizeof(int));
                break;
        }
    }

    /// <summary>Makes room for as many values as will probably come, by the size of those that are here. Children grow as they do.</summary>
    /// <param name="count">Number of values, those that are here included.</param>
    public void Prepare(int count)
    {
        if (Length == 0 || count <= Length)
            return;
        if (_hasValidity)
            _validity.Prepare(Math.Max(Bitmap.ByteCount(count) - _validity.Length, 0));
        _values.Prepare((int)Math.Max(Math.Min((long)_values.Length * count / Length, LargestPrepared) - _values.Length, 0));
        if (_offsets.Length > 0)
            _offsets.Prepare((int)Math.Max(Math.Min((count + 1L) * sizeof(int), LargestPrepared) - _offsets.Length, 0));
    }

    /// <summary>Appends a range of another column of the same type. Dictionary-encoded strings are written out.</summary>
    /// <param name="source">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    public void AppendRange(Column source, int start, int count)
    {
        if (count == 0)
            return;
        AppendValidity(source, start, count);
        switch (Layout)
        {
            case ColumnLayout.Bits:
                _values.ExtendBits(Length + count);
                BitRange.Copy(source.Bits, start, _values.Content, Length, count);
                break;
            case ColumnLayout.Fixed:
                ColumnLayouts.FixedBytes(source).Slice(start * ByteWidth, count * ByteWidth).CopyTo(_values.Extend(count * ByteWidth));
                break;
            case ColumnLayout.Bytes when source.Dictionary is not null:
                AppendDictionaryRange(source, start, count);
                break;
            case ColumnLayout.Bytes:
                var bytes = source.Bytes[source.Offsets[start]..source.Offsets[start + count]];
                var before = _values.Length;
                bytes.CopyTo(_values.Extend(bytes.Length));
                AppendOffsets(source.Offsets.Slice(start, count + 1), before);
                break;
            case ColumnLayout.List:
                var offsets = source.Offsets.Slice(start, count + 1);
                AppendOffsets(offsets, Children[0].Length);
                for (var i = 0; i < Children.Length; i++)
                    Children[i].AppendRange(source.Children[i], offsets[0], offsets[count] - offsets[0]);
                break;
            default:
                for (var i = 0; i < Children.Length; i++)
                    Children[i].AppendRange(source.Children[i], start, count);
                break;
        }
        Length = checked(Length + count);
    }

    /// <summary>Makes a column of what was appended, which owns the buffers, and starts anew.</summary>
    /// <exception cref="InvalidOperationException">Values of another width than the type's were appended.</exception>
    public Column Build()
    {
        if (Layout == ColumnLayout.Fixed && _values.Length != (long)Length * ByteWidth)
            throw new InvalidOperationException($"{Length} values of {Type} take {ByteWidth} bytes each; {_values.Length} bytes were appended.");
        using var scope = new BufferScope();
        if (Layout is ColumnLayout.Bytes or ColumnLayout.List && _offsets.Length == 0)
            _offsets.Append(0);
        var children = ImmutableArray.CreateBuilder<Column>(Children.Length);
        foreach (var child in Children)
            children.Add(scope.Add(child.Build()));
        var validity = NullCount == 0 ? null : scope.Add(_validity.Detach());
        var values = Layout is ColumnLayout.List or ColumnLayout.Struct ? null : scope.Add(_values.Detach());
        var offsets = Layout is ColumnLayout.Bytes or ColumnLayout.List ? scope.Add(_offsets.Detach()) : null;
        var column = new Column(Type, Length, NullCount, validity, values, offsets, children.MoveToImmutable());
        scope.Release();
        Dispose();
        return column;
    }

    /// <summary>Returns all buffers and starts anew.</summary>
    public void Dispose()
    {
        _validity.Dispose();
        _values.Dispose();
        _offsets.Dispose();
        foreach (var child in Children)
            child.Dispose();
        _hasValidity = false;
        Length = 0;
        NullCount = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AppendValid()
    {
        if (_hasValidity)
        {
            _validity.ExtendBits(Length + 1);
            Bitmap.Set(_validity.Content, Length, true);
        }
        Length++;
    }

    private void AppendPresence(ReadOnlySpan<int> lengths)
    {
        Span<byte> present = stackalloc byte[Bitmap.ByteCount(PresencePiece)];
        while (!lengths.IsEmpty)
        {
            var count = Math.Min(lengths.Length, PresencePiece);
            var nulls = count - FindPresent(lengths[..count], present);
            if (nulls > 0 && !_hasValidity)
                StartValidity();
            if (_hasValidity)
            {
                _validity.ExtendBits(Length + count);
                if (nulls > 0)
                    BitRange.Copy(present, 0, _validity.Content, Length, count);
                else
                    BitRange.SetAll(_validity.Content, Length, count);
            }
            NullCount += nulls;
            Length += count;
            lengths = lengths[count..];
        }
    }

    /// <summary>Sets the bits of values that are there.</summary>
    /// <param name="lengths">The lengths of the values; below 0 for a null.</param>
    /// <param name="bits">A bit for each.</param>
    /// <returns>How many are there.</returns>
    private static int FindPresent(ReadOnlySpan<int> lengths, Span<byte> bits)
    {
        var (present, i) = (0, 0);
        for (; i + Vector256<int>.Count <= lengths.Length; i += Vector256<int>.Count)
        {
            // signs are those of nulls
            var mask = (byte)~Vector256.ExtractMostSignificantBits(Vector256.Create(lengths.Slice(i, Vector256<int>.Count)));
            bits[i / Vector256<int>.Count] = mask;
            present += BitOperations.PopCount(mask);
        }
        if (i < lengths.Length)
            bits[i / Vector256<int>.Count] = 0;
        for (; i < lengths.Length; i++)
            if (lengths[i] >= 0)
            {
                Bitmap.Set(bits, i, true);
                present++;
            }
        return present;
    }

    private void StartValidity()
    {
        _hasValidity = true;
        _validity.ExtendBits(Length);
        BitRange.SetAll(_validity.Content, 0, Length);
    }

    private void AppendValidity(Column source, int start, int count)
    {
        var nulls = source.HasValidity ? count - BitRange.CountSet(source.Validity, start, count) : 0;
        if (nulls > 0 && !_hasValidity)
            StartValidity();
        if (!_hasValidity)
            return;
        _validity.ExtendBits(Length + count);
        if (nulls > 0)
            BitRange.Copy(source.Validity, start, _validity.Content, Length, count);
        else
            BitRange.SetAll(_validity.Content, Length, count);
        NullCount += nulls;
    }

    private void AppendDictionaryRange(Column source, int start, int count)
    {
        for (var i = start; i < start + count; i++)
        {
            if (!source.IsNull(i))
            {
                var value = source.GetBytes(i);
                value.CopyTo(_values.Extend(value.Length));
            }
            AppendOffset(_values.Length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AppendOffset(int end)
    {
        if (_offsets.Length == 0)
            _offsets.Append(0);
        _offsets.Append(end);
    }

    /// <summary>Appends the ends in <paramref name="source"/>, moved so that its first offset becomes <paramref name="origin"/>.</summary>
    private void AppendOffsets(ReadOnlySpan<int> source, int origin)
    {
        if (_offsets.Length == 0)
            _offsets.Append(0);
        var shift = origin - source[0];
        var ends = source[1..];
        var target = MemoryMarshal.Cast<byte, int>(_offsets.Extend(ends.Length * sizeof(int)));
        for (var i = 0; i < ends.Length; i++)
            target[i] = ends[i] + shift;
    }
}
