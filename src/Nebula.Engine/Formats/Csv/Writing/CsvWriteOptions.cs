using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>How CSV is written; see <see cref="CsvOptions.Write"/>.</summary>
/// <param name="Delimiter">Separates fields.</param>
/// <param name="Quote">Encloses fields that need it.</param>
/// <param name="QuoteAll">Whether every field that is not null is quoted.</param>
/// <param name="Header">Whether the first record holds the names.</param>
/// <param name="NullMarker">What is written for null.</param>
/// <param name="LineEnd">What ends a record.</param>
internal sealed record CsvWriteOptions(byte Delimiter, byte Quote, bool QuoteAll, bool Header, byte[] NullMarker, byte[] LineEnd)
{
    private static ReadOnlySpan<byte> CharactersOfValues => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-.:/="u8;

    /// <summary>
    /// Whether numbers, times and the like must be looked at before they are written bare: they could hold the delimiter, or be the null marker.
    /// </summary>
    public bool ChecksValues { get; } = CharactersOfValues.Contains(Delimiter) || NullMarker.Length > 0;

    /// <exception cref="NebulaException">An option is wrong.</exception>
    public static CsvWriteOptions From(OptionValues options)
    {
        var result = new CsvWriteOptions(
            ReadByte(options, "delimiter"), ReadByte(options, "quote"), options.Text("quoting") == "all", options.Flag("header") ?? true,
            Encoding.UTF8.GetBytes(options.Text("null_marker") ?? ""), options.Text("line_end") == "crlf" ? "\r\n"u8.ToArray() : "\n"u8.ToArray());
        if (result.Quote == result.Delimiter || CharactersOfValues.Contains(result.Quote))
            throw NebulaException.Configuration(
                $"Option 'quote' of {options.Owner} must be a character that is neither the delimiter nor part of numbers and words; it is "
                    + $"'{options.Text("quote")}'.", options.LocationOf("quote"));
        if (result.NullMarker.AsSpan().IndexOfAny([result.Delimiter, result.Quote, (byte)'\n', (byte)'\r']) >= 0)
            throw NebulaException.Configuration(
                $"Option 'null_marker' of {options.Owner} must not hold the delimiter, the quote or a line end; it is '{options.Text("null_marker")}'.",
                    options.LocationOf("null_marker"));
        return result;
    }

    private static byte ReadByte(OptionValues options, string name) =>
        CsvDialect.ParseByte(options.Text(name)!) is { } value and not ((byte)'\n' or (byte)'\r' or 0) ? value : throw NebulaException.Configuration(
        $"Option '{name}' of {options.Owner} must be one ASCII character or '\\t'; it is '{options.Text(name)}'.", options.LocationOf(name));
}
