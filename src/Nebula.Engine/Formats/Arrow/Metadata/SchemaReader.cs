using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Nebula.Engine.Formats.Arrow.Metadata;

/// <summary>Reads the schema of a message or footer (Schema.fbs).</summary>
/// <param name="bufferLength">Bytes of the metadata it lies in.</param>
internal sealed class SchemaReader(int bufferLength)
{
    /// <summary>Deepest nesting of fields.</summary>
    public const int MaxDepth = 128;

    // Tables and strings may be referred to more than once: without a limit a small buffer could unfold to any size.
    private int _fieldsLeft = bufferLength / sizeof(int);
    private long _textLeft = 16L * bufferLength + (64 << 10);

    /// <summary>Reads a schema.</summary>
    /// <param name="schema">The table.</param>
    /// <exception cref="ArrowFault">It is damaged or uses what no version of the format defines.</exception>
    public ArrowSchema Read(FlatTable schema)
    {
        if (!schema.Exists)
            throw new ArrowFault("there is no schema", 0);
        var endianness = schema.Int16(0);
        if (endianness is < 0 or > 1)
            throw new ArrowFault($"the schema has the byte order {endianness}; 0 and 1 are defined");
        return new ArrowSchema(ReadFields(schema.Vector(1, sizeof(uint)), 1), endianness == 1, ReadMetadata(schema.Vector(2, sizeof(uint))));
    }

    /// <summary>Reads keys and values.</summary>
    /// <param name="pairs">A vector of <c>KeyValue</c>.</param>
    public ImmutableArray<KeyValuePair<string, string>> ReadMetadata(FlatVector pairs)
    {
        if (pairs.Count == 0)
            return [];
        var result = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>(pairs.Count);
        for (var i = 0; i < pairs.Count; i++)
        {
            var pair = pairs.Table(i);
            result.Add(new KeyValuePair<string, string>(Text(pair, 0) ?? "", Text(pair, 1) ?? ""));
        }
        return result.MoveToImmutable();
    }

    private ImmutableArray<ArrowField> ReadFields(FlatVector fields, int depth)
    {
        if (fields.Count == 0)
            return [];
        if (depth > MaxDepth)
            throw new ArrowFault($"columns are nested more than {MaxDepth} levels deep", advice: "Flatten them before writing the file.");
        _fieldsLeft -= fields.Count;
        if (_fieldsLeft < 0)
            throw new ArrowFault("the schema has more fields than its bytes can hold");
        var result = ImmutableArray.CreateBuilder<ArrowField>(fields.Count);
        for (var i = 0; i < fields.Count; i++)
            result.Add(ReadField(fields.Table(i), depth));
        return result.MoveToImmutable();
    }

    private ArrowField ReadField(FlatTable field, int depth)
    {
        var name = Text(field, 0) ?? "";
        var children = ReadFields(field.Vector(5, sizeof(uint)), depth + 1);
        var type = ReadType((ArrowTypeId)field.Byte(2), field.Table(3), name);
        CheckChildren(type, children, name);
        string? extension = null;
        foreach (var (key, value) in ReadMetadata(field.Vector(6, sizeof(uint))))
            if (key == "ARROW:extension:name")
                extension = value;
        var dictionary = field.Table(4);
        return new ArrowField(name, type, field.Bool(1), children)
        {
            Extension = extension,
            Dictionary = dictionary.Exists ? ReadDictionary(dictionary, name) : null,
        };
    }

    private static ArrowDictionaryEncoding ReadDictionary(FlatTable dictionary, string column)
    {
        var index = dictionary.Table(1);
        var type = index.Exists ? ReadType(ArrowTypeId.Int, index, column) : new ArrowType(ArrowTypeId.Int) { BitWidth = 32, IsSigned = true };
        return dictionary.Int16(3) is 0 ? new ArrowDictionaryEncoding(dictionary.Int64(0), type)
            : throw new ArrowFault($"the dictionary has the kind {dictionary.Int16(3)}, which is not defined", column: column);
    }

    private static ArrowType ReadType(ArrowTypeId id, FlatTable type, string column)
    {
        if (id is ArrowTypeId.None or > ArrowTypeId.LargeListView)
            throw new ArrowFault($"the type has the number {(int)id}, which no known version of the format defines", column: column,
                advice: "If a newer Arrow library wrote the file, have it written without that column.");
        if (!type.Exists)
            throw new ArrowFault("the type is missing", column: column);
        var result = new ArrowType(id);
        return id switch
        {
            ArrowTypeId.Int => result with { BitWidth = OneOf(type.Int32(0), "integer has the bit width", column, 8, 16, 32, 64), IsSigned = type.Bool(1) },
            ArrowTypeId.FloatingPoint => result with { Unit = Unit(type.Int16(0), 2, column) },
            ArrowTypeId.Decimal => ReadDecimal(result, type, column),
            ArrowTypeId.Date => result with { Unit = Unit(type.Int16(0, 1), 1, column) },
            ArrowTypeId.Time => ReadTime(result, type, column),
            ArrowTypeId.Timestamp => ReadTimestamp(result, type, column),
            ArrowTypeId.Duration => result with { Unit = Unit(type.Int16(0, 1), 3, column) },
            ArrowTypeId.Interval => result with { Unit = Unit(type.Int16(0), 2, column) },
            ArrowTypeId.FixedSizeBinary or ArrowTypeId.FixedSizeList => type.Int32(0) is >= 0 and var size ? result with { Size = size }
                : throw new ArrowFault($"the type {result} has a negative size", column: column),
            ArrowTypeId.Union => result with { Unit = Unit(type.Int16(0), 1, column), TypeIds = ReadTypeIds(type.Vector(1, sizeof(int)), column) },
            _ => result,
        };
    }

    private static ArrowType ReadDecimal(ArrowType result, FlatTable type, string column)
    {
        var (precision, scale) = (type.Int32(0), type.Int32(1));
        var width = OneOf(type.Int32(2, 128), "decimal has the bit width", column, 32, 64, 128, 256);
        return result with { Precision = precision, Scale = scale, BitWidth = width };
    }

    private static ArrowType ReadTime(ArrowType result, FlatTable type, string column)
    {
        var unit = Unit(type.Int16(0, 1), 3, column);
        var expected = (ArrowTimeUnit)unit is ArrowTimeUnit.Second or ArrowTimeUnit.Millisecond ? 32 : 64;
        return result with { Unit = unit, BitWidth = OneOf(type.Int32(1, 32), "time of day has the bit width", column, expected) };
    }

    private static ArrowType ReadTimestamp(ArrowType result, FlatTable type, string column)
    {
        var zone = type.String(1, out _);
        if (zone.Length > 256)
            throw new ArrowFault("the name of a time zone is longer than 256 bytes", column: column);
        return result with { Unit = Unit(type.Int16(0), 3, column), Zone = zone.IsEmpty ? null : Encoding.UTF8.GetString(zone) };
    }

    private static ImmutableArray<int> ReadTypeIds(FlatVector ids, string column)
    {
        var result = ImmutableArray.CreateBuilder<int>(ids.Count);
        for (var i = 0; i < ids.Count; i++)
            result.Add(BinaryPrimitives.ReadInt32LittleEndian(ids[i]));
        if (result.Any(static id => id is < 0 or > 127) || result.Distinct().Count() != result.Count)
            throw new ArrowFault("the type ids of a union are not different numbers from 0 to 127", column: column);
        return result.MoveToImmutable();
    }

    private static void CheckChildren(ArrowType type, ImmutableArray<ArrowField> children, string column)
    {
        var expected = type.Id switch
        {
            ArrowTypeId.List or ArrowTypeId.LargeList or ArrowTypeId.ListView or ArrowTypeId.LargeListView or ArrowTypeId.FixedSizeList or ArrowTypeId.Map => 1,
            ArrowTypeId.RunEndEncoded => 2,
            ArrowTypeId.Struct => children.Length,
            ArrowTypeId.Union => type.TypeIds.IsEmpty ? Math.Min(children.Length, 128) : type.TypeIds.Length,
            _ => 0,
        };
        if (children.Length != expected)
            throw new ArrowFault($"the type {type} has {children.Length} children where {expected} are due", column: column);
        if (type.Id == ArrowTypeId.Map && (children[0].Type.Id != ArrowTypeId.Struct || children[0].Children.Length != 2 || children[0].Dictionary is not null))
            throw new ArrowFault("the entries of a map are not a struct of key and value", column: column);
        if (type.Id == ArrowTypeId.RunEndEncoded
            && (children[0].Type is not { Id: ArrowTypeId.Int, IsSigned: true, BitWidth: 16 or 32 or 64 } || children[0].Dictionary is not null))
            throw new ArrowFault($"run ends have the type {children[0].Type}; int16, int32 and int64 are defined", column: column);
    }

    private static short Unit(short value, short last, string column) =>
        value >= 0 && value <= last ? value : throw new ArrowFault($"a unit or precision has the number {value}; 0 to {last} are defined", column: column);

    private static int OneOf(int value, string what, string column, params ReadOnlySpan<int> allowed) =>
        allowed.Contains(value) ? value : throw new ArrowFault($"the {what} {value}, which is not defined", column: column);

    private string? Text(FlatTable table, int id)
    {
        var bytes = table.String(id, out var exists);
        _textLeft -= bytes.Length;
        if (_textLeft < 0)
            throw new ArrowFault("the texts of the schema are longer than its bytes can hold");
        return exists ? Encoding.UTF8.GetString(bytes) : null;
    }
}
