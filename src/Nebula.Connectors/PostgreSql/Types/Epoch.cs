namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>Dates and times of PostgreSQL are counted from 2000-01-01, those of the engine from 1970-01-01 (src/include/datatype/timestamp.h).</summary>
internal static class Epoch
{
    /// <summary>Days from the engine's start to that of PostgreSQL.</summary>
    public const int DaysTo2000 = 10_957;

    /// <summary>Microseconds of a day.</summary>
    public const long MicrosecondsPerDay = 86_400_000_000;

    /// <summary>Microseconds from the engine's start to that of PostgreSQL.</summary>
    public const long MicrosecondsTo2000 = DaysTo2000 * MicrosecondsPerDay;
}
