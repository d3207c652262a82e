using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv;

/// <summary>How values are written that have another form than Nebula finds by itself. Made once for a file.</summary>
/// <param name="Numbers">Of numbers; null for the usual one.</param>
/// <param name="Dates">Of dates; null for ISO 8601.</param>
/// <param name="Timestamps">Of timestamps; null for ISO 8601.</param>
internal sealed record CsvValueForms(NumberForm? Numbers, TimeFormat? Dates, TimeFormat? Timestamps)
{
    /// <summary>The forms of a dialect; null where all are the usual ones.</summary>
    public static CsvValueForms? Of(CsvDialect dialect) =>
        dialect is { Decimal: CsvDialect.Point, Thousands: null, DateFormat: null, TimestampFormat: null } ? null : new CsvValueForms(
            dialect is { Decimal: CsvDialect.Point, Thousands: null } ? null : new NumberForm(dialect.Decimal, dialect.Thousands),
            dialect.DateFormat is { } dates ? TimeFormat.Parse(dates) : null,
            dialect.TimestampFormat is { } timestamps ? TimeFormat.Parse(timestamps) : null);
}
