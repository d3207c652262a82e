using System.Globalization;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.Files.Output;

/// <summary>A complete file in staging. Travels as text in the location of a <see cref="Engine.Connectors.StagedPart"/>.</summary>
/// <param name="Location">Where it is.</param>
/// <param name="Partition">The folders of its partition, each with a slash behind it; empty for none.</param>
/// <param name="Rows">Rows in it.</param>
/// <param name="Bytes">Bytes as stored.</param>
/// <param name="Name">Its path relative to the layout's folder, where the store must know that before it is published;
/// empty where the commit numbers it.</param>
internal sealed record StagedFilePart(string Location, string Partition, long Rows, long Bytes, string Name = "")
{
    /// <summary>Renders files as text.</summary>
    public static string Render(IEnumerable<StagedFilePart> parts) => TextList.Render(parts.Select(static part => TextList.Render(
        [part.Location, part.Partition, part.Rows.ToString(CultureInfo.InvariantCulture), part.Bytes.ToString(CultureInfo.InvariantCulture), part.Name])));

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static IEnumerable<StagedFilePart> Parse(string text) => TextList.Parse(text).Select(TextList.Parse)
        .Select(static cells => new StagedFilePart(
            cells[0], cells[1], long.Parse(cells[2], CultureInfo.InvariantCulture), long.Parse(cells[3], CultureInfo.InvariantCulture), cells[4]));
}
