using System.Globalization;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.Files;

/// <summary>A range of the bytes of a text file: whole records.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="End">Behind its last byte.</param>
/// <param name="EndsFile">Whether it is the last of its file.</param>
internal readonly record struct FileRange(long Start, long End, bool EndsFile);

/// <summary>Parts of a container file (row groups, stripes, blocks) that follow each other.</summary>
/// <param name="First">The first.</param>
/// <param name="Count">Number of them.</param>
internal readonly record struct FileParts(int First, int Count);

/// <summary>What a chunk of files is: whole files, or a piece of one. Travels as the description of a <see cref="Engine.Connectors.Chunk"/>.</summary>
/// <param name="Files">The files.</param>
internal sealed record FileChunk(IReadOnlyList<StoredObject> Files)
{
    /// <summary>The piece, of a text file.</summary>
    public FileRange? Range { get; init; }

    /// <summary>The piece, of a container file.</summary>
    public FileParts? Parts { get; init; }

    /// <summary>Renders it as text.</summary>
    public string Render() => TextList.Render(
    [
        FileDetails.Render(Files),
        .. Range is { } range ? ["bytes", Number(range.Start), Number(range.End), range.EndsFile ? "end" : ""]
            : Parts is { } parts ? ["parts", Number(parts.First), Number(parts.Count)]
            : (IEnumerable<string>)[],
    ]);

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static FileChunk Parse(string text)
    {
        var cells = TextList.Parse(text);
        var chunk = new FileChunk(FileDetails.ParseFiles(cells[0]));
        return cells.Count == 1 ? chunk
            : cells[1] == "bytes" ? chunk with { Range = new FileRange(Number(cells[2]), Number(cells[3]), cells[4].Length > 0) }
            : chunk with { Parts = new FileParts((int)Number(cells[2]), (int)Number(cells[3])) };
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
