using Nebula.Engine.Formats.Avro.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>How few bytes a value can have: what a number of items is checked against before memory is spent on it.</summary>
internal static class AvroSizes
{
    private const int Enough = 1 << 20;

    /// <summary>The least number of bytes of a value, or fewer.</summary>
    public static int Least(AvroSchema schema) => Least(schema, []);

    private static int Least(AvroSchema schema, HashSet<AvroSchema> known)
    {
        switch (schema.Type)
        {
            case AvroType.Null:
                return 0;
            case AvroType.Float:
                return sizeof(float);
            case AvroType.Double:
                return sizeof(double);
            case AvroType.Fixed:
                return Math.Min(schema.Size, Enough);
            case AvroType.Record:
                // a record that was met before counts for nothing: it may be this one, and many would take long to add up
                if (!known.Add(schema))
                    return 0;
                var sum = 0;
                foreach (var field in schema.Fields)
                    sum = Math.Min(sum + Least(field.Schema, known), Enough);
                return sum;
            default:
                return 1;
        }
    }
}
