using System.Collections.Immutable;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>What kind of column the values of a schema go into.</summary>
internal enum AvroForm
{
    Null,
    Bool,

    /// <summary>int, and dates.</summary>
    Int32,

    /// <summary>long, unions of int and long, and times and timestamps.</summary>
    Int64,
    Float32,
    Float64,

    /// <summary>string and bytes.</summary>
    Bytes,

    /// <summary>fixed without meaning.</summary>
    Fixed,
    Uuid,
    Decimal,
    Enum,
    Duration,
    List,
    Map,
    Struct,

    /// <summary>Rendered as JSON: unions of different types, and records inside themselves.</summary>
    Json,

    /// <summary>Has no type here; reading it is an error.</summary>
    Unsupported,
}

/// <summary>A column, or a part of a nested one, as the schema to be read describes it.</summary>
internal sealed class AvroNode
{
    // Records that occur in many places multiply: a schema of a few kilobytes could ask for millions of columns.
    private const int MaxNodes = 50_000;

    private AvroNode(string path, AvroSchema schema, AvroForm form, DataType type, bool isNullable, ImmutableArray<AvroNode> children = default)
    {
        Path = path;
        Schema = schema;
        Form = form;
        Type = type;
        IsNullable = isNullable;
        Children = children.IsDefault ? [] : children;
    }

    /// <summary>Where it is, for messages: <c>address.city</c>.</summary>
    public string Path { get; }

    /// <summary>Its schema; the branch that is not null of a union of two. A union only in <see cref="AvroForm.Json"/> and where numbers are widened.</summary>
    public AvroSchema Schema { get; }

    /// <summary>What becomes of its values.</summary>
    public AvroForm Form { get; }

    /// <summary>The type of the column.</summary>
    public DataType Type { get; }

    /// <summary>Whether values may be null.</summary>
    public bool IsNullable { get; }

    /// <summary>The element of a list, key and value of a map, the fields of a struct, the three parts of a duration.</summary>
    public ImmutableArray<AvroNode> Children { get; }

    /// <summary>Lays out the columns of a file: the fields of a record, or one column called <c>value</c>.</summary>
    /// <exception cref="DataFormatException">The schema is nested too deeply or asks for too many columns.</exception>
    public static ImmutableArray<AvroNode> OfFile(AvroSchema schema, string file)
    {
        var count = 0;
        var builder = new Builder(file);
        return schema.Type == AvroType.Record ? builder.Fields("", schema, ref count, 0) : [builder.Of("value", schema, ref count, 0)];
    }

    /// <summary>The name that its column has.</summary>
    public static string NameOf(AvroField field) => field.OriginalName ?? field.Name;

    private sealed class Builder(string file)
    {
        private readonly HashSet<AvroSchema> _open = [];

        public ImmutableArray<AvroNode> Fields(string path, AvroSchema record, ref int count, int depth)
        {
            _open.Add(record);
            var fields = ImmutableArray.CreateBuilder<AvroNode>(record.Fields.Length);
            foreach (var field in record.Fields)
                fields.Add(Of(path.Length == 0 ? NameOf(field) : $"{path}.{NameOf(field)}", field.Schema, ref count, depth + 1));
            _open.Remove(record);
            return fields.MoveToImmutable();
        }

        public AvroNode Of(string path, AvroSchema schema, ref int count, int depth, bool isNullable = false)
        {
            if (++count > MaxNodes)
                throw new DataFormatException($"The Avro schema asks for more than {MaxNodes} columns when records are laid out, which is not supported.",
                    new SourceLocation(file));
            if (depth > AvroSchemaParser.MaxDepth)
                throw new DataFormatException($"The Avro schema is nested more than {AvroSchemaParser.MaxDepth} levels deep, which is not supported.",
                    new SourceLocation(file));
            return schema.Type switch
            {
                AvroType.Union => OfUnion(path, schema, ref count, depth),
                AvroType.Record when _open.Contains(schema) => new(path, schema, AvroForm.Json, DataType.Json, isNullable),
                AvroType.Record => OfRecord(path, schema, ref count, depth, isNullable),
                AvroType.Array => OfArray(path, schema, ref count, depth, isNullable),
                AvroType.Map => OfMap(path, schema, isNullable, [Text($"{path}.key"), Of($"{path}.value", schema.Items!, ref count, depth + 1)]),
                AvroType.Null => new(path, schema, AvroForm.Null, DataType.String, true),
                AvroType.Boolean => new(path, schema, AvroForm.Bool, DataType.Bool, isNullable),
                AvroType.Int => OfInt(path, schema, isNullable),
                AvroType.Long => new(path, schema, AvroForm.Int64, OfLong(schema.Logical), isNullable),
                AvroType.Float => new(path, schema, AvroForm.Float32, DataType.Float32, isNullable),
                AvroType.Double => new(path, schema, AvroForm.Float64, DataType.Float64, isNullable),
                AvroType.String => new(path, schema, AvroForm.Bytes, DataType.String, isNullable),
                AvroType.Enum => new(path, schema, AvroForm.Enum, DataType.String, isNullable),
                _ => OfBytes(path, schema, isNullable),
            };
        }

        private AvroNode OfUnion(string path, AvroSchema union, ref int count, int depth)
        {
            var values = union.Branches.Where(static branch => branch.Type != AvroType.Null).ToArray();
            var isNullable = values.Length < union.Branches.Length;
            if (values.Length == 1)
                return Of(path, values[0], ref count, depth + 1, isNullable);
            if (values.Length == 0)
                return isNullable ? new(path, union.Branches[0], AvroForm.Null, DataType.String, true) : new(path, union, AvroForm.Json, DataType.Json, false);
            var types = values.Select(static branch => branch.Logical == AvroLogicalType.None ? branch.Type : AvroType.Union).ToArray();
            if (types.All(static type => type is AvroType.Int or AvroType.Long))
                return new(path, union, AvroForm.Int64, DataType.Int64, isNullable);
            if (types.All(static type => type is AvroType.Int or AvroType.Float or AvroType.Double))
                return new(path, union, AvroForm.Float64, DataType.Float64, isNullable);
            return new(path, union, AvroForm.Json, DataType.Json, isNullable);
        }

        private AvroNode OfRecord(string path, AvroSchema record, ref int count, int depth, bool isNullable)
        {
            var fields = Fields(path, record, ref count, depth);
            var type = DataType.Struct([.. fields.Select((node, i) => new Field(NameOf(record.Fields[i]), node.Type, node.IsNullable))]);
            return new(path, record, AvroForm.Struct, type, isNullable, fields);
        }

        private AvroNode OfArray(string path, AvroSchema array, ref int count, int depth, bool isNullable)
        {
            if (array.Logical == AvroLogicalType.Map && !_open.Contains(array.Items!))
            {
                var pair = Fields(path, array.Items!, ref count, depth + 1);
                if (!pair[0].IsNullable)
                    return OfMap(path, array, isNullable, pair);
            }
            var item = Of($"{path}.item", array.Items!, ref count, depth + 1);
            return new(path, array, AvroForm.List, DataType.List(item.Type), isNullable, [item]);
        }

        private static AvroNode OfMap(string path, AvroSchema schema, bool isNullable, ImmutableArray<AvroNode> pair) =>
            new(path, schema, AvroForm.Map, DataType.Map(pair[0].Type, pair[1].Type), isNullable, pair);

        private static AvroNode Text(string path) => new(path, new AvroSchema(AvroType.String), AvroForm.Bytes, DataType.String, false);

        private static AvroNode OfInt(string path, AvroSchema schema, bool isNullable) => schema.Logical switch
        {
            AvroLogicalType.Date => new(path, schema, AvroForm.Int32, DataType.Date, isNullable),
            AvroLogicalType.TimeMillis => new(path, schema, AvroForm.Int64, DataType.Time, isNullable),
            _ => new(path, schema, AvroForm.Int32, DataType.Int32, isNullable),
        };

        private static DataType OfLong(AvroLogicalType logical) => logical switch
        {
            AvroLogicalType.TimeMicros => DataType.Time,
            AvroLogicalType.TimestampMillis or AvroLogicalType.TimestampMicros => DataType.Timestamp(zone: "UTC"),
            AvroLogicalType.TimestampNanos => DataType.Timestamp(TimeUnit.Nanosecond, "UTC"),
            AvroLogicalType.LocalTimestampMillis or AvroLogicalType.LocalTimestampMicros => DataType.Timestamp(),
            AvroLogicalType.LocalTimestampNanos => DataType.Timestamp(TimeUnit.Nanosecond),
            _ => DataType.Int64,
        };

        /// <summary>bytes and fixed.</summary>
        private static AvroNode OfBytes(string path, AvroSchema schema, bool isNullable)
        {
            switch (schema.Logical)
            {
                case AvroLogicalType.Decimal when schema.Scale > DataType.MaxDecimalPrecision:
                    return new(path, schema, AvroForm.Unsupported, DataType.Binary, isNullable);
                case AvroLogicalType.Decimal:
                    var type = DataType.Decimal(Math.Min(schema.Precision, DataType.MaxDecimalPrecision), schema.Scale);
                    return new(path, schema, AvroForm.Decimal, type, isNullable);
                case AvroLogicalType.Uuid:
                    return new(path, schema, AvroForm.Uuid, DataType.Uuid, isNullable);
                case AvroLogicalType.Duration:
                    ImmutableArray<string> names = ["months", "days", "millis"];
                    var parts = names.Select(name => new AvroNode($"{path}.{name}", schema, AvroForm.Int32, DataType.UInt32, false)).ToImmutableArray();
                    var parent = DataType.Struct([.. names.Select(static name => new Field(name, DataType.UInt32, nullable: false))]);
                    return new(path, schema, AvroForm.Duration, parent, isNullable, parts);
                default:
                    return new(path, schema, schema.Type == AvroType.Bytes ? AvroForm.Bytes : AvroForm.Fixed, DataType.Binary, isNullable);
            }
        }
    }
}
