using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>One column of a schema as the encoder knows it before it sees a batch: its form and what stands in front of its values.</summary>
internal sealed unsafe class JsonNode
{
    /// <summary>A prefix is stored in runs of so many bytes.</summary>
    public const int PrefixRun = 32;

    private readonly byte[] _prefix;
    private readonly int _prefixLength;
    private readonly DataType _type;
    private readonly JsonNode[] _children;
    private readonly bool _isMapOfPairs;

    private JsonNode(DataType type, ReadOnlySpan<byte> lead, JsonNode[] children)
    {
        _type = type;
        _children = children;
        _isMapOfPairs = type.Kind == TypeKind.Map && children[0]._type.Kind == TypeKind.Struct;
        _prefixLength = lead.Length + (IsQuoted(type.Kind) ? 1 : 0);
        // pinned, because the row loop goes by pointers; padded, because it stores whole runs
        _prefix = GC.AllocateArray<byte>((_prefixLength + PrefixRun - 1) / PrefixRun * PrefixRun + PrefixRun, pinned: true);
        lead.CopyTo(_prefix);
        if (IsQuoted(type.Kind))
            _prefix[lead.Length] = (byte)'"';
    }

    /// <summary>Number of this node and all below it.</summary>
    public int Count => 1 + _children.Sum(static child => child.Count);

    /// <summary>Makes the node of a field of an object.</summary>
    public static JsonNode OfField(Field field) => Make(field.Type, RenderKey(field.Name));

    /// <summary>Makes the node of a value that stands alone.</summary>
    public static JsonNode OfValue(DataType type) => Make(type, default);

    /// <summary>Fills the cursor of this node, and takes those of its children from the free ones.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="column">The column of the batch.</param>
    /// <param name="free">The first cursor that is not in use.</param>
    public void Bind(JsonCursor* cursor, Column column, ref JsonCursor* free)
    {
        *cursor = new JsonCursor
        {
            Kind = _type.Kind == TypeKind.String && column.Dictionary is not null ? JsonValueKind.DictionaryString : JsonValueKinds.Of(_type),
            IsUtc = _type.Zone is not null,
            Scale = _type.Scale,
            Prefix = Address(_prefix),
            PrefixLength = _prefixLength,
            Validity = column.NullCount == 0 ? null : Address(column.Validity),
        };
        if (column.Dictionary is { } dictionary)
        {
            cursor->Indices = (int*)Address(MemoryMarshal.AsBytes(column.Indices));
            cursor->Offsets = (int*)Address(MemoryMarshal.AsBytes(dictionary.Offsets));
            cursor->Values = Address(dictionary.Bytes);
        }
        else
        {
            cursor->Offsets = (int*)Address(MemoryMarshal.AsBytes(column.Offsets));
            cursor->Values = Address(_type.IsVariableBinary ? column.Bytes : column.Type.Kind == TypeKind.Bool ? column.Bits : column.Values<byte>());
        }
        if (_isMapOfPairs)
            BindPairs(cursor, column, ref free);
        else
            BindChildren(cursor, column, ref free);
    }

    /// <summary>Most bytes that all values of a column take, counting strings as if nothing in them were escaped.</summary>
    /// <param name="column">The column.</param>
    /// <param name="count">Number of its values.</param>
    public long Bound(Column column, int count)
    {
        var bound = (long)count * (_prefixLength + MaxWidth(column.Type)) + ValueText.VariableBytes(column);
        if (_isMapOfPairs)
            return bound + (column.Children[0].Length * 3L) + _children[0]._children[0].Bound(column.Children[0], column.Children[0].Length)
                + _children[0]._children[1].Bound(column.Children[1], column.Children[1].Length);
        for (var i = 0; i < _children.Length; i++)
            bound += _children[i].Bound(column.Children[i], column.Children[i].Length);
        return bound;
    }

    /// <summary>Whether a value of the kind can be the key of an object, its text in quotes.</summary>
    private static bool CanBeKey(TypeKind kind) =>
        kind is not (TypeKind.Float32 or TypeKind.Float64 or TypeKind.Json or TypeKind.List or TypeKind.Struct or TypeKind.Map);

    private static bool IsQuoted(TypeKind kind) =>
        kind is TypeKind.String or TypeKind.Binary or TypeKind.Uuid or TypeKind.Date or TypeKind.Time or TypeKind.Timestamp;

    private static JsonNode Make(DataType type, ReadOnlySpan<byte> lead) => new(type, lead, type.Kind switch
    {
        TypeKind.Struct => [.. type.Fields.Select(OfField)],
        TypeKind.List => [Make(type.Fields[0].Type, ","u8)],
        TypeKind.Map when CanBeKey(type.Fields[0].Type.Kind) =>
            [Make(type.Fields[0].Type, IsQuoted(type.Fields[0].Type.Kind) ? ","u8 : ",\""u8), Make(type.Fields[1].Type, ":"u8)],
        TypeKind.Map => [Make(DataType.Struct(type.Fields), ","u8)],
        _ => [],
    });

    private void BindChildren(JsonCursor* cursor, Column column, ref JsonCursor* free)
    {
        cursor->Children = free;
        cursor->ChildCount = _children.Length;
        free += _children.Length;
        for (var i = 0; i < _children.Length; i++)
            _children[i].Bind(cursor->Children + i, column.Children[i], ref free);
        if (cursor->Kind == JsonValueKind.Map)
            cursor->Children->Validity = null; // keys are never null
    }

    /// <summary>A map whose keys are no text is written as its stored form: a list of objects with key and value.</summary>
    private void BindPairs(JsonCursor* cursor, Column column, ref JsonCursor* free)
    {
        var pair = _children[0];
        cursor->Kind = JsonValueKind.List;
        cursor->Children = free++;
        cursor->ChildCount = 1;
        *cursor->Children = new JsonCursor
        {
            Kind = JsonValueKind.Struct,
            Prefix = Address(pair._prefix),
            PrefixLength = pair._prefixLength,
            Children = free,
            ChildCount = 2,
        };
        free += 2;
        for (var i = 0; i < 2; i++)
            pair._children[i].Bind(cursor->Children->Children + i, column.Children[i], ref free);
    }

    /// <summary>Most bytes behind the prefix, without those of strings: a value or what a null takes, and a closing quote.</summary>
    private static int MaxWidth(DataType type) => Math.Max(8, ValueText.MostBytes(type) + 1);

    private static byte[] RenderKey(string name)
    {
        var text = Encoding.UTF8.GetBytes(name);
        var key = new ArrayBufferWriter<byte>(text.Length + 8);
        key.Write(",\""u8);
        var escape = stackalloc byte[8];
        foreach (var c in text)
        {
            if (JsonEscapes.Escaped.Contains(c))
                key.Write(new ReadOnlySpan<byte>(escape, (int)(JsonEscapes.Write(escape, c) - escape)));
            else
                key.Write([c]);
        }
        key.Write("\":"u8);
        return key.WrittenSpan.ToArray();
    }

    private static byte* Address(ReadOnlySpan<byte> span) =>
        (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
