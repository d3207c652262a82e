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
    /// <exception cref="NebulaException">An option is wrong.</exception>
    public static CsvWriteOptions From(OptionValues options) => new(
        ReadByte(options, "delimiter"), ReadByte(options, "quote"), options.Text("quoting") == "all", options.Flag("header") ?? true,
        Encoding.UTF8.GetBytes(options.Text("null_marker") ?? ""), options.Text("line_end") == "crlf" ? "\r\n"u8.ToArray() : "\n"u8.ToArray());

    private static byte ReadByte(OptionValues options, string name) => CsvDialect.ParseByte(options.Text(name)!) ?? throw NebulaException.Configuration(
        $"Option '{name}' of {options.Owner} must be one ASCII character or '\\t'; it is '{options.Text(name)}'.", options.LocationOf(name));
}
