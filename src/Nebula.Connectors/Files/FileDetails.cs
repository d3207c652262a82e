using System.Globalization;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.Files;

/// <summary>What <see cref="FileSource"/> adds to the details of a stream so that it can open it again.</summary>
internal static class FileDetails
{
    /// <summary>Key of the format's name.</summary>
    public const string Format = "format";

    /// <summary>Key of the files; not for people.</summary>
    public const string Files = "files";

    /// <summary>Key of the number of rows.</summary>
    public const string Rows = "rows";

    /// <summary>Key of how types were found; only set to <see cref="TextOnly"/>.</summary>
    public const string Types = "types";

    /// <summary>Key of the columns that are in the names of folders.</summary>
    public const string Partitions = "partitions";

    /// <summary>Every column is text: the source's own.</summary>
    public const string TextOnly = "text";

    /// <summary>Renders files as text.</summary>
    public static string Render(IEnumerable<StoredObject> files) =>
        TextList.Render(files.Select(static file =>
            TextList.Render([file.Path, file.Name, file.Size?.ToString(CultureInfo.InvariantCulture) ?? "", file.Version ?? ""])));

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static IReadOnlyList<StoredObject> ParseFiles(string text) =>
        [.. TextList.Parse(text).Select(TextList.Parse).Select(static cells => new StoredObject(
            cells[0], cells[1], cells[2].Length == 0 ? null : long.Parse(cells[2], CultureInfo.InvariantCulture), cells[3].Length == 0 ? null : cells[3]))];
}
