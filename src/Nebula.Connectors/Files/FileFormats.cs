using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Formats.Orc;
using Nebula.Engine.Formats.Parquet;

namespace Nebula.Connectors.Files;

/// <summary>The file formats that this program knows.</summary>
internal static class FileFormats
{
    /// <summary>All formats.</summary>
    public static IReadOnlyList<IFileFormat> All { get; } =
        [new CsvFormat(), new JsonFormat(), new ParquetFormat(), new ArrowFormat(), new AvroFormat(), new OrcFormat()];

    /// <summary>The names of all formats, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(static format => format.Name));

    /// <summary>Finds a format by its name; null when there is none.</summary>
    public static IFileFormat? ByName(string name) => All.FirstOrDefault(format => format.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Finds a format by the ending of a path, after that of a codec was taken off; null when it says nothing.</summary>
    public static IFileFormat? ByPath(string path) =>
        All.FirstOrDefault(format => format.Extensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase)));
}
