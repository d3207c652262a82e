using System.Globalization;
using Nebula.Connectors.ObjectStores;

namespace Nebula.Connectors.Files;

/// <summary>What <see cref="FileSource"/> adds to the details of a stream so that it can open it again.</summary>
internal static class FileDetails
{
    /// <summary>Key of the format's name.</summary>
    public const string Format = "format";

    /// <summary>Key of the files; not for people.</summary>
    public const string Files = "files";

    /// <summary>Key of how types were found; only set to <see cref="TextOnly"/>.</summary>
    public const string Types = "types";

    /// <summary>Every column is text: the source's own.</summary>
    public const string TextOnly = "text";

    private const char Line = '\n', Cell = '\u001f';

    /// <summary>Renders files as text.</summary>
    public static string Render(IEnumerable<StoredObject> files) =>
        string.Join(Line, files.Select(static file => string.Create(CultureInfo.InvariantCulture, $"{file.Path}{Cell}{file.Name}{Cell}{file.Size}")));

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static IReadOnlyList<StoredObject> ParseFiles(string text) =>
        [.. text.Split(Line).Select(static line => line.Split(Cell)).Select(static cells => new StoredObject(cells[0], cells[1], cells[2].Length == 0 ? null : long.Parse(cells[2], CultureInfo.InvariantCulture)))];
}
