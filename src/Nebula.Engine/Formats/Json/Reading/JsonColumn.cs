using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// A column of the records that are read: its name, how its values are read, and its buffers while they grow. What was appended for a record that turns out
/// to be wrong is cut off again. Remembers how much the last block needed, so that the next one seldom grows.
/// </summary>
internal sealed unsafe class JsonColumn : IDisposable
{
    private const int SmallestRows = 64;
    private readonly ReadBudget _budget;
    private readonly int _width;
    private PooledBuffer? _values;
    private PooledBuffer? _offsets;
    private PooledBuffer? _validity;
    private int _capacity;
    private int _expectedRows = SmallestRows;
    private int _expectedBytes = 1024;

    /// <summary>Makes a builder and those of the children.</summary>
    /// <param name="type">Type of the values.</param>
    /// <param name="path">The column as users name it.</param>
    /// <param name="casts">Whether values of other forms are converted.</param>
    /// <param name="isFixed">Whether the user chose the type.</param>
    /// <param name="allowsLoss">Whether a cast may round.</param>
    /// <param name="budget">Where buffers come from.</param>
    public JsonColumn(DataType type, string path, bool casts, bool isFixed, bool allowsLoss, ReadBudget budget)
    {
        Type = type;
        Path = path;
        Kind = JsonValueKinds.Of(type);
        Casts = casts;
        IsFixed = isFixed;
        Cast = isFixed ? JsonTextCast.Create(type, allowsLoss) : null;
        _budget = budget;
        _width = type.ByteWidth;
        Children = [.. type.Fields.Select(field => new JsonColumn(
            field.Type, type.Kind == TypeKind.Struct ? $"{path}.{field.Name}" : path, casts, isFixed, allowsLoss, budget))];
        if (Kind == JsonValueKind.Struct)
            Keys = new ObjectKeys([.. type.Fields.Select(static field => field.Name)], Children, this);
    }

    /// <summary>Type of the values.</summary>
    public DataType Type { get; }

    /// <summary>The column as users name it: keys joined by points.</summary>
    public string Path { get; }

    /// <summary>How values are read.</summary>
    public JsonValueKind Kind { get; }

    /// <summary>Whether values of other forms are converted: numbers in quotes, any scalar as text.</summary>
    public bool Casts { get; }

    /// <summary>Whether the user chose the type: what does not fit is a bad row.</summary>
    public bool IsFixed { get; }

    /// <summary>Reads scalars in forms of other programs, where the user chose the type; null where there are none.</summary>
    public JsonTextCast? Cast { get; }

    /// <summary>Fields, element, or key and value.</summary>
    public JsonColumn[] Children { get; }

    /// <summary>The keys of an object column.</summary>
    public ObjectKeys? Keys { get; }

    /// <summary>Number of values.</summary>
    public int Count { get; private set; }

    /// <summary>Number of nulls among them.</summary>
    public int NullCount { get; private set; }

    /// <summary>Values, bits, or bytes of strings.</summary>
    public byte* Values { get; private set; }

    /// <summary>Offsets of strings, lists and maps.</summary>
    public int* Offsets { get; private set; }

    /// <summary>Bytes of all strings so far.</summary>
    public int ByteCount { get; private set; }

    /// <summary>Bytes of strings that fit.</summary>
    public int ByteCapacity { get; private set; }

    /// <summary>Bytes that a null takes, children included.</summary>
    public int NullWidth => Kind == JsonValueKind.Struct ? 1 + Children.Sum(static child => child.NullWidth) : Math.Max(_width, 1) + (HasOffsets ? 4 : 0);

    private bool HasOffsets => Kind is JsonValueKind.String or JsonValueKind.Binary or JsonValueKind.Json or JsonValueKind.List or JsonValueKind.Map;

    private bool HasBytes => Kind is JsonValueKind.String or JsonValueKind.Binary or JsonValueKind.Json;

    /// <summary>Rents the buffers of a block.</summary>
    public void Begin()
    {
        Count = NullCount = ByteCount = 0;
        _capacity = 0;
        GrowRows(_expectedRows);
        if (HasBytes)
        {
            _values = _budget.Rent(_expectedBytes);
            Values = _values.Pointer;
            ByteCapacity = _values.Capacity;
        }
        foreach (var child in Children)
            child.Begin();
    }

    /// <summary>Makes sure that one more value fits.</summary>
    /// <returns>Its index.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next()
    {
        if (Count == _capacity)
            GrowRows(Count + (Count / 2) + SmallestRows);
        return Count;
    }

    /// <summary>Appends a value of 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(long value)
    {
        var index = Next();
        ((long*)Values)[index] = value;
        Count = index + 1;
    }

    /// <summary>Appends a value of any other width.</summary>
    public void Append<T>(T value) where T : unmanaged
    {
        var index = Next();
        ((T*)Values)[index] = value;
        Count = index + 1;
    }

    /// <summary>Appends a boolean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(bool value)
    {
        var index = Next();
        var bit = 1 << (index & 7);
        Values[index >> 3] = (byte)(value ? Values[index >> 3] | bit : Values[index >> 3] & ~bit);
        Count = index + 1;
    }

    /// <summary>Makes sure that bytes can be written at the end of the strings; <see cref="BufferPool.Padding"/> more may be overwritten.</summary>
    /// <returns>Where.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* ReserveBytes(long count)
    {
        if (ByteCapacity - ByteCount < count)
            GrowBytes(count, ByteCount);
        return Values + ByteCount;
    }

    /// <summary>Makes sure that more bytes can be written behind a string that is not appended yet.</summary>
    /// <param name="at">How far it is written.</param>
    /// <param name="count">Bytes needed behind that.</param>
    /// <returns>How far it is written, perhaps elsewhere.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* ReserveMore(byte* at, long count)
    {
        var written = (int)(at - Values);
        if (ByteCapacity - written < count)
            GrowBytes(count + written - ByteCount, written);
        return Values + written;
    }

    /// <summary>Appends the string that was written at the end of the strings.</summary>
    /// <param name="end">Behind its last byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AppendBytes(byte* end)
    {
        var index = Next();
        ByteCount = (int)(end - Values);
        Offsets[index + 1] = ByteCount;
        Count = index + 1;
    }

    /// <summary>Appends the list or map whose elements were appended to the first child.</summary>
    public void AppendElements()
    {
        var index = Next();
        Offsets[index + 1] = Children[0].Count;
        Count = index + 1;
    }

    /// <summary>Appends the object whose fields were appended to the children.</summary>
    public void AppendObject() => Count = Next() + 1;

    /// <summary>Appends a null.</summary>
    public void AppendNull()
    {
        var index = Next();
        if (_validity is null)
            StartValidity();
        _validity!.Pointer[index >> 3] &= (byte)~(1 << (index & 7));
        NullCount++;
        if (HasOffsets)
            Offsets[index + 1] = Offsets[index];
        else if (_width > 0)
            new Span<byte>(Values + ((long)index * _width), _width).Clear();
        Count = index + 1;
        if (Kind == JsonValueKind.Struct)
            foreach (var child in Children)
                child.AppendNull();
    }

    /// <summary>Cuts off the values behind the first <paramref name="count"/>, and what was begun behind those.</summary>
    public void Truncate(int count)
    {
        if (_validity is not null)
            for (var i = count; i < Count; i++)
                if (!Bitmap.Get(_validity.Span, i))
                {
                    Bitmap.Set(_validity.Span, i, true);
                    NullCount--;
                }
        Count = Math.Min(count, Count);
        if (HasBytes)
            ByteCount = Offsets[Count];
        foreach (var child in Children)
            child.Truncate(Kind == JsonValueKind.Struct ? Count : Offsets[Count]);
    }

    /// <summary>Turns what was appended into a column, which owns the buffers from here on.</summary>
    public Column Build()
    {
        _expectedRows = Math.Max(Count + (Count / 16), SmallestRows);
        _expectedBytes = Math.Max(ByteCount + (ByteCount / 16), 1024);
        var children = ImmutableArray.CreateBuilder<Column>(Children.Length);
        foreach (var child in Children)
            children.Add(child.Build());
        if (NullCount == 0)
        {
            _validity?.Dispose();
            _validity = null;
        }
        var column = new Column(Type, Count, NullCount, _validity, _values, _offsets, children.MoveToImmutable());
        (_values, _offsets, _validity) = (null, null, null);
        return column;
    }

    /// <summary>Returns the buffers that were not handed over.</summary>
    public void Dispose()
    {
        _values?.Dispose();
        _offsets?.Dispose();
        _validity?.Dispose();
        (_values, _offsets, _validity) = (null, null, null);
        foreach (var child in Children)
            child.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GrowRows(int rows)
    {
        if (_width > 0)
            Values = Grow(ref _values, (long)rows * _width, (long)Count * _width);
        else if (Kind == JsonValueKind.Bool)
            Values = Grow(ref _values, Bitmap.ByteCount(rows), Bitmap.ByteCount(Count));
        if (HasOffsets)
        {
            Offsets = (int*)Grow(ref _offsets, (rows + 1L) * 4, (Count + 1L) * 4);
            if (Count == 0)
                Offsets[0] = 0;
        }
        if (_validity is not null)
        {
            var words = Bitmap.ByteCount(Count);
            Grow(ref _validity, Bitmap.ByteCount(rows), words);
            _validity!.Span[words..].Fill(0xFF);
        }
        _capacity = rows;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GrowBytes(long needed, int written)
    {
        var least = ByteCount + needed;
        var ample = Math.Min(ByteCapacity + (ByteCapacity / 2L), BufferPool.MaxCapacity);
        Values = Grow(ref _values, Math.Max(least, ample), written);
        ByteCapacity = _values!.Capacity;
    }

    private byte* Grow(ref PooledBuffer? buffer, long capacity, long used)
    {
        var larger = _budget.Rent(capacity);
        if (buffer is not null)
        {
            new ReadOnlySpan<byte>(buffer.Pointer, (int)used).CopyTo(larger.Span);
            _budget.Return(buffer);
        }
        buffer = larger;
        return larger.Pointer;
    }

    private void StartValidity()
    {
        _validity = _budget.Rent(Bitmap.ByteCount(_capacity));
        _validity.Span.Fill(0xFF);
    }
}
