using System.Globalization;
using System.Text;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>The blocks of one attempt at one chunk. Travels as text; small, however many they are.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Attempt">Identity of the attempt.</param>
/// <param name="Count">Number of blocks.</param>
internal sealed record StagedBlocks(string Key, string Attempt, int Count)
{
    /// <summary>Renders the location as text.</summary>
    public string Render() => TextList.Render([Key, Attempt, Count.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static StagedBlocks Parse(string text) => TextList.Parse(text) is [var key, var attempt, var count]
        ? new StagedBlocks(key, attempt, int.Parse(count, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is no location of staged blocks.");

    /// <summary>The identity of a block. Those of one blob must all have the same length, so the form never changes.</summary>
    public static string Identity(string attempt, int number) =>
        Convert.ToBase64String(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{attempt}{number:x8}")));

    /// <summary>The identities of all blocks, in order.</summary>
    public IEnumerable<string> Identities() => Enumerable.Range(0, Count).Select(number => Identity(Attempt, number));
}
