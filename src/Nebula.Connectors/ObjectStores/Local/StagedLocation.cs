using System.Globalization;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A complete file in staging, and what tells it from any other once it was renamed. Travels as text.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="ModifiedTicks">When it was written last, UTC, in ticks of 100 ns.</param>
internal sealed record StagedLocation(string Path, long Length, long ModifiedTicks)
{
    /// <summary>Renders the location as text.</summary>
    public string Render() => TextList.Render([Path, Length.ToString(CultureInfo.InvariantCulture), ModifiedTicks.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static StagedLocation Parse(string text) => TextList.Parse(text) is [var path, var length, var modified]
        ? new StagedLocation(path, long.Parse(length, CultureInfo.InvariantCulture), long.Parse(modified, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is no location of a staged file.");
}
