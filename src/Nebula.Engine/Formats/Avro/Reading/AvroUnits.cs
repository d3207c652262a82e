using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Units of times and timestamps.</summary>
internal static class AvroUnits
{
    private const long PerMillisecond = 1;
    private const long PerMicrosecond = 1_000;
    private const long PerNanosecond = 1_000_000;

    /// <summary>What a written number is multiplied by to become a value of a column; null when it would lose digits or means something else.</summary>
    public static long? Factor(AvroSchema written, AvroNode node)
    {
        var type = node.Type;
        if (type.Kind is not (TypeKind.Time or TypeKind.Timestamp))
            return 1;
        var target = type.Unit == TimeUnit.Nanosecond ? PerNanosecond : PerMicrosecond;
        var (source, isTime) = (written.Logical == AvroLogicalType.None ? node.Schema.Logical : written.Logical) switch
        {
            AvroLogicalType.TimeMillis => (PerMillisecond, true),
            AvroLogicalType.TimeMicros => (PerMicrosecond, true),
            AvroLogicalType.TimestampMillis or AvroLogicalType.LocalTimestampMillis => (PerMillisecond, false),
            AvroLogicalType.TimestampMicros or AvroLogicalType.LocalTimestampMicros => (PerMicrosecond, false),
            AvroLogicalType.TimestampNanos or AvroLogicalType.LocalTimestampNanos => (PerNanosecond, false),
            _ => (long.MaxValue, false),
        };
        return isTime == (type.Kind == TypeKind.Time) && source <= target ? target / source : null;
    }
}
