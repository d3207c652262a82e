using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Where the next value of a column goes; what the decoder's loop sees of an <see cref="AvroColumn"/>.</summary>
internal unsafe struct AvroTarget
{
    /// <summary>The next slot: a value of fixed width, a byte for a boolean, the end of a string or list, the position of a symbol.</summary>
    public byte* Next;

    /// <summary>Where the slots end.</summary>
    public byte* Limit;

    /// <summary>The byte that says whether the next value is there; null in a column without nulls.</summary>
    public byte* Valid;

    /// <summary>Where the bytes of the next string go.</summary>
    public byte* Data;

    /// <summary>Where the bytes of the first string are.</summary>
    public byte* DataStart;

    /// <summary>Where the room for bytes of strings ends.</summary>
    public byte* DataLimit;
}

/// <summary>One column, or part of a nested one, while it is filled.</summary>
internal sealed unsafe class AvroColumn : IDisposable
{
    private const int FirstCapacity = 64;
    private readonly AvroNode _node;
    private readonly BufferPool _pool;
    private readonly AvroTarget* _target;
    private readonly ColumnLayout _layout;
    private readonly int _width;
    private readonly byte[][]? _symbols;
    private PooledBuffer? _slots;
    private PooledBuffer? _valid;
    private PooledBuffer? _data;

    /// <summary>Makes an empty column.</summary>
    /// <param name="node">What it holds.</param>
    /// <param name="target">Where the decoder looks for it.</param>
    /// <param name="children">Its children.</param>
    /// <param name="pool">Where buffers come from.</param>
    public AvroColumn(AvroNode node, AvroTarget* target, ImmutableArray<AvroColumn> children, BufferPool pool)
    {
        _node = node;
        _target = target;
        _pool = pool;
        Children = children;
        _layout = ColumnLayouts.Of(node.Type);
        _symbols = node.Form == AvroForm.Enum ? [.. node.Schema.Symbols.DefaultIfEmpty("").Select(Encoding.UTF8.GetBytes)] : null;
        _width = SlotWidth(node);
        *target = default;
    }

    /// <summary>The columns below.</summary>
    public ImmutableArray<AvroColumn> Children { get; }

    /// <summary>Whether it has as many elements as its values ask for, instead of one per value.</summary>
    public bool IsList => _layout == ColumnLayout.List;

    /// <summary>Values appended.</summary>
    public int Count => _slots is null ? 0 : (int)((_target->Next - Slots) / _width);

    /// <summary>Bytes of buffers on loan, children included.</summary>
    public long BufferBytes
    {
        get
        {
            var bytes = (_slots?.Capacity ?? 0L) + (_valid?.Capacity ?? 0L) + (_data?.Capacity ?? 0L);
            foreach (var child in Children)
                bytes += child.BufferBytes;
            return bytes;
        }
    }

    private bool HasOffsets => _layout is ColumnLayout.Bytes or ColumnLayout.List && _node.Form is not (AvroForm.Enum or AvroForm.Null);

    private bool HasData => HasOffsets && _layout == ColumnLayout.Bytes;

    private byte* Slots => _slots!.Pointer + (HasOffsets ? sizeof(int) : 0);

    /// <summary>Bytes of a slot.</summary>
    public static int SlotWidth(AvroNode node) => node.Form switch
    {
        AvroForm.Null => 1,
        AvroForm.Enum => sizeof(int),
        _ => ColumnLayouts.Of(node.Type) switch
        {
            ColumnLayout.Fixed => node.Type.ByteWidth,
            ColumnLayout.Bytes or ColumnLayout.List => sizeof(int),
            _ => 1,
        },
    };

    /// <summary>Makes room for more slots.</summary>
    /// <param name="count">At least so many.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Grow(int count)
    {
        var used = Count;
        var wanted = Math.Max((long)used + count, Math.Max(2L * used, FirstCapacity));
        var head = HasOffsets ? sizeof(int) : 0;
        var slots = _pool.Rent(Size(wanted * _width + head));
        if (_slots is null)
            *(int*)slots.Pointer = 0;
        else
            _slots.Span[..(used * _width + head)].CopyTo(slots.Span);
        _slots?.Dispose();
        _slots = slots;
        _target->Next = Slots + (long)used * _width;
        _target->Limit = Slots + wanted * _width;
        if (_node.IsNullable && _layout != ColumnLayout.Struct && _node.Form != AvroForm.Null)
        {
            var valid = _pool.Rent(Size(wanted));
            _valid?.Span[..used].CopyTo(valid.Span);
            _valid?.Dispose();
            _valid = valid;
            _target->Valid = valid.Pointer + used;
        }
        // so that the loop never writes to nowhere, not even no bytes
        if (HasData && _data is null)
            GrowData(0);
    }

    /// <summary>Makes room for more bytes of strings.</summary>
    /// <param name="count">Number of bytes.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void GrowData(int count)
    {
        var used = _target->Data - _target->DataStart;
        var data = _pool.Rent(Size(Math.Max(used + count, Math.Max(2 * used, 16 * FirstCapacity))));
        _data?.Span[..(int)used].CopyTo(data.Span);
        _data?.Dispose();
        _data = data;
        _target->DataStart = data.Pointer;
        _target->Data = data.Pointer + used;
        _target->DataLimit = data.Pointer + data.Capacity;
    }

    /// <summary>Appends a null, or where there are none a value without meaning.</summary>
    public void AppendNull()
    {
        if (_target->Next >= _target->Limit)
            Grow(1);
        if (_target->Valid != null)
            *_target->Valid++ = 0;
        if (HasOffsets)
            *(int*)_target->Next = ((int*)_target->Next)[-1];
        else
            new Span<byte>(_target->Next, _width).Clear();
        if (_layout == ColumnLayout.Struct && !_node.IsNullable)
            *_target->Next = 1;
        _target->Next += _width;
        if (_layout != ColumnLayout.Struct)
            return;
        foreach (var child in Children)
            child.AppendNull();
    }

    /// <summary>Appends bytes of a string whose slot is written next.</summary>
    public void AppendData(ReadOnlySpan<byte> bytes)
    {
        if (_target->DataLimit - _target->Data < bytes.Length)
            GrowData(bytes.Length);
        bytes.CopyTo(new Span<byte>(_target->Data, bytes.Length));
        _target->Data += bytes.Length;
    }

    /// <summary>Takes values back.</summary>
    /// <param name="count">Values that stay.</param>
    public void Truncate(int count)
    {
        if (_slots is null)
            return;
        _target->Next = Slots + (long)count * _width;
        if (_valid is not null)
            _target->Valid = _valid.Pointer + count;
        var end = HasOffsets ? ((int*)_target->Next)[-1] : 0;
        if (HasData)
            _target->Data = _target->DataStart + end;
        foreach (var child in Children)
            child.Truncate(_layout == ColumnLayout.List ? end : count);
    }

    /// <summary>Makes the column and gives its buffers away. What is appended next starts anew.</summary>
    /// <param name="invalid">Set to the path and position of the first text that is not UTF-8, if there is one.</param>
    public Column Build(ref (string Path, int Index)? invalid)
    {
        if (_slots is null)
            Grow(0);
        var count = Count;
        using var scope = new BufferScope();
        var children = ImmutableArray.CreateBuilder<Column>(Children.Length);
        foreach (var child in Children)
            children.Add(scope.Add(child.Build(ref invalid)));
        if (_node.Type.Kind == TypeKind.String && HasData && FindInvalid(count) is >= 0 and var index)
            invalid ??= (_node.Path, index);
        var column = _node.Form == AvroForm.Null ? BuildNulls(count) : BuildColumn(count, children.MoveToImmutable());
        scope.Release();
        _valid?.Dispose();
        Forget();
        return column;
    }

    public void Dispose()
    {
        _slots?.Dispose();
        _valid?.Dispose();
        _data?.Dispose();
        Forget();
        foreach (var child in Children)
            child.Dispose();
    }

    private Column BuildColumn(int count, ImmutableArray<Column> children)
    {
        using var scope = new BufferScope();
        PooledBuffer? validity = null;
        var nulls = 0;
        if (_node.IsNullable)
        {
            var flags = _layout == ColumnLayout.Struct ? _slots! : _valid!;
            validity = scope.Add(AvroFlags.Pack(flags, count, _pool));
            nulls = count - Bitmap.CountSet(validity.Span, count);
            if (nulls == 0)
            {
                validity.Dispose();
                validity = null;
            }
        }
        Column? dictionary = null;
        if (_symbols is not null)
            dictionary = scope.Add(BuildSymbols());
        PooledBuffer? values = null, offsets = null;
        switch (_layout)
        {
            case ColumnLayout.Bits:
                values = scope.Add(AvroFlags.Pack(_slots!, count, _pool));
                _slots!.Dispose();
                break;
            case ColumnLayout.Bytes when _symbols is null:
                (values, offsets) = (_data!, _slots!);
                values.Length = (int)(_target->Data - _target->DataStart);
                break;
            case ColumnLayout.List:
                offsets = _slots!;
                break;
            case ColumnLayout.Struct:
                _slots!.Dispose();
                break;
            default:
                values = _slots!;
                values.Length = count * _width;
                break;
        }
        if (offsets is not null)
            offsets.Length = (count + 1) * sizeof(int);
        scope.Release();
        return new Column(_node.Type, count, nulls, validity, values, offsets, children, dictionary);
    }

    /// <summary>Values of type null: texts that are all null.</summary>
    private Column BuildNulls(int count)
    {
        using var scope = new BufferScope();
        var offsets = scope.Add(_pool.Rent(Size((count + 1L) * sizeof(int))));
        offsets.Length = (count + 1) * sizeof(int);
        offsets.Content.Clear();
        var validity = scope.Add(_pool.Rent(Bitmap.ByteCount(count)));
        validity.Length = Bitmap.ByteCount(count);
        validity.Content.Clear();
        var values = scope.Add(_pool.Rent(0));
        scope.Release();
        _slots!.Dispose();
        return new Column(_node.Type, count, count, validity, values, offsets);
    }

    private Column BuildSymbols()
    {
        using var scope = new BufferScope();
        var offsets = scope.Add(_pool.Rent((_symbols!.Length + 1) * sizeof(int)));
        var values = scope.Add(_pool.Rent(_symbols.Sum(static symbol => symbol.Length)));
        var starts = offsets.As<int>();
        var at = 0;
        starts[0] = 0;
        for (var i = 0; i < _symbols.Length; i++)
        {
            _symbols[i].CopyTo(values.Span[at..]);
            at += _symbols[i].Length;
            starts[i + 1] = at;
        }
        values.Length = at;
        offsets.Length = (_symbols.Length + 1) * sizeof(int);
        scope.Release();
        return new Column(DataType.String, _symbols.Length, 0, null, values, offsets);
    }

    /// <summary>
    /// Finds the first text that is not UTF-8: all bytes at once, and where not all are ASCII, whether texts begin at the start of a character.
    /// </summary>
    private int FindInvalid(int count)
    {
        var bytes = new ReadOnlySpan<byte>(_target->DataStart, (int)(_target->Data - _target->DataStart));
        if (!bytes.ContainsAnyInRange((byte)0x80, (byte)0xFF))
            return -1;
        var offsets = (int*)_slots!.Pointer;
        var bad = Utf8Validator.FindInvalid(bytes);
        var sound = bad < 0 ? bytes.Length : bad;
        for (var i = 0; i < count; i++)
        {
            if (offsets[i + 1] > sound)
                return i;
            if (offsets[i + 1] < bytes.Length && (bytes[offsets[i + 1]] & 0xC0) == 0x80)
                return i;
        }
        return -1;
    }

    private void Forget()
    {
        _slots = _valid = _data = null;
        *_target = default;
    }

    private int Size(long bytes) => bytes <= BufferPool.MaxCapacity ? (int)bytes : throw new DataFormatException(
        $"Values of column \"{_node.Path}\" need {Units.FormatSize(bytes)} in one batch, more than the {Units.FormatSize(BufferPool.MaxCapacity)} that a "
            + "buffer can hold. Leave the column out.");
}
