using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>Makes the schema that columns are written with.</summary>
/// <remarks>Names that Avro does not allow are changed as Apache Iceberg does it, and kept beside the new ones, so that reading gives them back.</remarks>
internal sealed class AvroSchemaWriter
{
    private const string UuidName = "uuid_fixed";
    private readonly HashSet<string> _types = new(StringComparer.Ordinal) { UuidName };
    private readonly Utf8JsonWriter _json;
    private bool _hasUuid;
    private int _depth;

    private AvroSchemaWriter(Utf8JsonWriter json) => _json = json;

    /// <summary>Renders the schema of rows.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="name">Name of the record, with namespace if it has one.</param>
    /// <exception cref="NebulaException">Types are nested too deeply for readers.</exception>
    public static byte[] Write(Schema schema, string name)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = 4 * AvroSchemaParser.MaxDepth + 8
        }))
            new AvroSchemaWriter(json).WriteRecord(schema.Fields.AsSpan(), name);
        return text.WrittenSpan.ToArray();
    }

    /// <summary>How a type that is not nested is called, and its logical type.</summary>
    public static (string Type, string? Logical, int Precision, int Scale) Describe(DataType type) => type.Kind switch
    {
        TypeKind.Bool => ("boolean", null, 0, 0),
        TypeKind.Int8 or TypeKind.Int16 or TypeKind.Int32 or TypeKind.UInt8 or TypeKind.UInt16 => ("int", null, 0, 0),
        TypeKind.Int64 or TypeKind.UInt32 => ("long", null, 0, 0),
        TypeKind.UInt64 => ("bytes", "decimal", 20, 0),
        TypeKind.Float32 => ("float", null, 0, 0),
        TypeKind.Float64 => ("double", null, 0, 0),
        TypeKind.Decimal => ("bytes", "decimal", type.Precision, type.Scale),
        TypeKind.Date => ("int", "date", 0, 0),
        TypeKind.Time => ("long", "time-micros", 0, 0),
        TypeKind.Timestamp => ("long", (type.Zone is null ? "local-timestamp-" : "timestamp-") + (type.Unit == TimeUnit.Nanosecond ? "nanos" : "micros"), 0, 0),
        TypeKind.Binary => ("bytes", null, 0, 0),
        _ => ("string", null, 0, 0),
    };

    private void WriteRecord(ReadOnlySpan<Field> fields, string name)
    {
        _json.WriteStartObject();
        _json.WriteString("type", "record");
        _json.WriteString("name", UniqueName(name, _types));
        _json.WriteStartArray("fields");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in fields)
        {
            var stored = UniqueName(ValidName(field.Name), names);
            _json.WriteStartObject();
            _json.WriteString("name", stored);
            if (stored != field.Name)
                _json.WriteString(AvroSchemaParser.OriginalNameKey, field.Name);
            _json.WritePropertyName("type");
            WriteField(field, $"{name}_{stored}");
            if (field.Nullable)
                _json.WriteNull("default");
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteField(Field field, string name)
    {
        // a union is a level of its own
        var levels = field.Nullable ? 2 : 1;
        if ((_depth += levels) > AvroSchemaParser.MaxDepth)
            throw new NebulaException(ErrorKind.Schema, $"A column is nested more than {AvroSchemaParser.MaxDepth / 2} levels deep, which cannot be written as "
                + "Avro. Leave it out, or give it the type json.");
        if (field.Nullable)
        {
            _json.WriteStartArray();
            _json.WriteStringValue("null");
        }
        WriteType(field.Type, name);
        if (field.Nullable)
            _json.WriteEndArray();
        _depth -= levels;
    }

    private void WriteType(DataType type, string name)
    {
        switch (type.Kind)
        {
            case TypeKind.Struct:
                WriteRecord(type.Fields.AsSpan(), name);
                return;
            case TypeKind.Uuid when _hasUuid:
                _json.WriteStringValue(UuidName);
                return;
            case TypeKind.Uuid:
                _hasUuid = true;
                _json.WriteStartObject();
                _json.WriteString("type", "fixed");
                _json.WriteString("name", UuidName);
                _json.WriteNumber("size", 16);
                _json.WriteString("logicalType", "uuid");
                break;
            case TypeKind.List:
                _json.WriteStartObject();
                _json.WriteString("type", "array");
                _json.WritePropertyName("items");
                WriteField(type.Fields[0], name + "_item");
                break;
            case TypeKind.Map when type.Fields[0].Type.Kind == TypeKind.String:
                _json.WriteStartObject();
                _json.WriteString("type", "map");
                _json.WritePropertyName("values");
                WriteField(type.Fields[1], name + "_value");
                break;
            case TypeKind.Map:
                _json.WriteStartObject();
                _json.WriteString("type", "array");
                _json.WriteString("logicalType", "map");
                _json.WritePropertyName("items");
                WriteRecord([new Field("key", type.Fields[0].Type, nullable: false), new Field("value", type.Fields[1].Type, type.Fields[1].Nullable)],
                    name + "_entry");
                break;
            default:
                WritePlain(Describe(type));
                return;
        }
        _json.WriteEndObject();
    }

    private void WritePlain((string Type, string? Logical, int Precision, int Scale) plain)
    {
        if (plain.Logical is null)
        {
            _json.WriteStringValue(plain.Type);
            return;
        }
        _json.WriteStartObject();
        _json.WriteString("type", plain.Type);
        _json.WriteString("logicalType", plain.Logical);
        if (plain.Precision > 0)
        {
            _json.WriteNumber("precision", plain.Precision);
            _json.WriteNumber("scale", plain.Scale);
        }
        _json.WriteEndObject();
    }

    private static string UniqueName(string name, HashSet<string> taken)
    {
        var unique = name;
        for (var i = 2; !taken.Add(unique); i++)
            unique = string.Create(CultureInfo.InvariantCulture, $"{name}_{i}");
        return unique;
    }

    /// <summary>The name with every character that is not allowed written as <c>_x</c> and its code.</summary>
    private static string ValidName(string name)
    {
        var valid = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (char.IsAsciiLetter(c) || c == '_' || char.IsAsciiDigit(c) && i > 0)
                valid.Append(c);
            else if (char.IsAsciiDigit(c))
                valid.Append('_').Append(c);
            else
                valid.Append(CultureInfo.InvariantCulture, $"_x{(int)c:X}");
        }
        return valid.Length == 0 ? "_" : valid.ToString();
    }
}
