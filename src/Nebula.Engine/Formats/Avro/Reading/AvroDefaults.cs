using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Encodes the default of a field, given as JSON, as the field's value would be in a file (Avro specification, "field default values").</summary>
internal static class AvroDefaults
{
    /// <summary>Encodes a default.</summary>
    /// <param name="value">The default.</param>
    /// <param name="schema">The schema of the field.</param>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="DataFormatException">The default is no value of the schema.</exception>
    public static byte[] Encode(JsonElement value, AvroSchema schema, string what, string file)
    {
        var output = new ArrayBufferWriter<byte>();
        return TryEncodeText(value, schema, output) ? output.WrittenSpan.ToArray() : throw new DataFormatException(
            $"In the Avro schema {what} is {DataFormatException.Show(Encoding.UTF8.GetBytes(value.GetRawText()))}, which is no value of {schema}. Correct the "
                + "default.", new SourceLocation(file));
    }

    private static bool TryEncodeText(JsonElement value, AvroSchema schema, ArrayBufferWriter<byte> output)
    {
        try
        {
            return TryEncode(value, schema, output);
        }
        catch (InvalidOperationException)
        {
            // how the JSON reader reports half of a surrogate pair
            return false;
        }
    }

    private static bool TryEncode(JsonElement value, AvroSchema schema, ArrayBufferWriter<byte> output)
    {
        switch (schema.Type)
        {
            case AvroType.Null:
                return value.ValueKind == JsonValueKind.Null;
            case AvroType.Boolean when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                output.Write([value.GetBoolean() ? (byte)1 : (byte)0]);
                return true;
            case AvroType.Int when value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number):
                WriteLong(number, output);
                return true;
            case AvroType.Long when value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number):
                WriteLong(number, output);
                return true;
            case AvroType.Float when TryReadDouble(value, out var number):
                BinaryPrimitives.WriteSingleLittleEndian(output.GetSpan(sizeof(float)), (float)number);
                output.Advance(sizeof(float));
                return true;
            case AvroType.Double when TryReadDouble(value, out var number):
                BinaryPrimitives.WriteDoubleLittleEndian(output.GetSpan(sizeof(double)), number);
                output.Advance(sizeof(double));
                return true;
            case AvroType.String when value.ValueKind == JsonValueKind.String:
                WriteSized(Encoding.UTF8.GetBytes(value.GetString()!), output);
                return true;
            case AvroType.Bytes when TryReadBytes(value, out var bytes):
                WriteSized(bytes, output);
                return true;
            case AvroType.Fixed when TryReadBytes(value, out var bytes) && bytes.Length == schema.Size:
                output.Write(bytes);
                return true;
            case AvroType.Enum when value.ValueKind == JsonValueKind.String && schema.Symbols.IndexOf(value.GetString()!) is >= 0 and var at:
                WriteLong(at, output);
                return true;
            case AvroType.Array when value.ValueKind == JsonValueKind.Array:
                return TryEncodeArray(value, schema, output);
            case AvroType.Map when value.ValueKind == JsonValueKind.Object:
                return TryEncodeMap(value, schema, output);
            case AvroType.Record when value.ValueKind == JsonValueKind.Object:
                foreach (var field in schema.Fields)
                    if (!(value.TryGetProperty(field.Name, out var item) || (item = field.Default.GetValueOrDefault()).ValueKind != JsonValueKind.Undefined)
                        || !TryEncode(item, field.Schema, output))
                        return false;
                return true;
            case AvroType.Union:
                return TryEncodeUnion(value, schema, output);
            default:
                return false;
        }
    }

    private static bool TryEncodeArray(JsonElement value, AvroSchema schema, ArrayBufferWriter<byte> output)
    {
        if (value.GetArrayLength() > 0)
            WriteLong(value.GetArrayLength(), output);
        foreach (var item in value.EnumerateArray())
            if (!TryEncode(item, schema.Items!, output))
                return false;
        WriteLong(0, output);
        return true;
    }

    private static bool TryEncodeMap(JsonElement value, AvroSchema schema, ArrayBufferWriter<byte> output)
    {
        var count = value.EnumerateObject().Count();
        if (count > 0)
            WriteLong(count, output);
        foreach (var entry in value.EnumerateObject())
        {
            WriteSized(Encoding.UTF8.GetBytes(entry.Name), output);
            if (!TryEncode(entry.Value, schema.Items!, output))
                return false;
        }
        WriteLong(0, output);
        return true;
    }

    private static bool TryEncodeUnion(JsonElement value, AvroSchema schema, ArrayBufferWriter<byte> output)
    {
        for (var i = 0; i < schema.Branches.Length; i++)
        {
            var branch = new ArrayBufferWriter<byte>();
            if (!TryEncode(value, schema.Branches[i], branch))
                continue;
            WriteLong(i, output);
            output.Write(branch.WrittenSpan);
            return true;
        }
        return false;
    }

    private static bool TryReadDouble(JsonElement value, out double number)
    {
        number = 0;
        if (value.ValueKind == JsonValueKind.Number)
            return value.TryGetDouble(out number);
        if (value.ValueKind != JsonValueKind.String)
            return false;
        number = value.ValueEquals("NaN") ? double.NaN : value.ValueEquals("Infinity") ? double.PositiveInfinity : value.ValueEquals("-Infinity")
            ? double.NegativeInfinity : 0;
        return number != 0;
    }

    /// <summary>Bytes are written as text whose characters are their values.</summary>
    private static bool TryReadBytes(JsonElement value, out byte[] bytes)
    {
        bytes = [];
        if (value.ValueKind != JsonValueKind.String || value.GetString()!.Any(static c => c > 0xFF))
            return false;
        bytes = Encoding.Latin1.GetBytes(value.GetString()!);
        return true;
    }

    private static void WriteSized(byte[] bytes, ArrayBufferWriter<byte> output)
    {
        WriteLong(bytes.Length, output);
        output.Write(bytes);
    }

    private static void WriteLong(long value, ArrayBufferWriter<byte> output)
    {
        var rest = (ulong)(value << 1 ^ value >> 63);
        for (; rest >= 0x80; rest >>= 7)
            output.Write([(byte)(rest | 0x80)]);
        output.Write([(byte)rest]);
    }
}
