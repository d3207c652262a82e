using System.Text;
using Nebula.Engine.Formats.Json.Writing;

namespace Nebula.Engine.Formats.Avro.Schemas;

/// <summary>
/// The Parsing Canonical Form of a schema and its fingerprint (Avro specification, "Parsing Canonical Form for Schemas", "Schema Fingerprints").
/// </summary>
internal static class AvroCanonicalForm
{
    private const ulong EmptyFingerprint = 0xC15D213AA4D7A795;
    private static readonly ulong[] FingerprintTable = MakeTable();

    /// <summary>The canonical form.</summary>
    public static string Of(AvroSchema schema)
    {
        var text = new StringBuilder();
        Append(text, schema, new HashSet<string>(StringComparer.Ordinal));
        return text.ToString();
    }

    /// <summary>The 64-bit Rabin fingerprint of the canonical form, as single-object encoding uses it.</summary>
    public static ulong Fingerprint(AvroSchema schema)
    {
        var fingerprint = EmptyFingerprint;
        foreach (var b in Encoding.UTF8.GetBytes(Of(schema)))
            fingerprint = fingerprint >> 8 ^ FingerprintTable[(byte)fingerprint ^ b];
        return fingerprint;
    }

    private static void Append(StringBuilder text, AvroSchema schema, HashSet<string> defined)
    {
        if (schema.IsNamed)
        {
            if (!defined.Add(schema.FullName!))
            {
                AppendText(text, schema.FullName!);
                return;
            }
            AppendText(text.Append("{\"name\":"), schema.FullName!);
            text.Append(',');
        }
        var type = schema.Type.ToString().ToLowerInvariant();
        switch (schema.Type)
        {
            case AvroType.Record:
                text.Append("\"type\":\"record\",\"fields\":[");
                for (var i = 0; i < schema.Fields.Length; i++)
                {
                    AppendText(text.Append(i > 0 ? ",{\"name\":" : "{\"name\":"), schema.Fields[i].Name);
                    Append(text.Append(",\"type\":"), schema.Fields[i].Schema, defined);
                    text.Append('}');
                }
                text.Append("]}");
                break;
            case AvroType.Enum:
                text.Append("\"type\":\"enum\",\"symbols\":[");
                for (var i = 0; i < schema.Symbols.Length; i++)
                    AppendText(i > 0 ? text.Append(',') : text, schema.Symbols[i]);
                text.Append("]}");
                break;
            case AvroType.Fixed:
                text.Append("\"type\":\"fixed\",\"size\":").Append(schema.Size).Append('}');
                break;
            case AvroType.Array:
                Append(text.Append("{\"type\":\"array\",\"items\":"), schema.Items!, defined);
                text.Append('}');
                break;
            case AvroType.Map:
                Append(text.Append("{\"type\":\"map\",\"values\":"), schema.Items!, defined);
                text.Append('}');
                break;
            case AvroType.Union:
                text.Append('[');
                for (var i = 0; i < schema.Branches.Length; i++)
                    Append(i > 0 ? text.Append(',') : text, schema.Branches[i], defined);
                text.Append(']');
                break;
            default:
                AppendText(text, type);
                break;
        }
    }

    private static void AppendText(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            if (c is '"' or '\\' or < ' ')
                text.Append(Encoding.ASCII.GetString(JsonEscapes.Of((byte)c)));
            else
                text.Append(c);
        }
        text.Append('"');
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var i = 0; i < table.Length; i++)
        {
            var value = (ulong)i;
            for (var bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (EmptyFingerprint & (0 - (value & 1)));
            table[i] = value;
        }
        return table;
    }
}
