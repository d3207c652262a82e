using System.Globalization;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>A multipart upload that has all its parts and is not completed, so that nobody sees it. Travels as text; small, however many parts there
/// are.</summary>
/// <param name="Key">The object that it will be: the target itself, or a hidden one of a chunk that is joined with others.</param>
/// <param name="UploadId">The upload.</param>
/// <param name="Attempt">Identity of the attempt, which the object's metadata will have.</param>
/// <param name="Count">Number of parts.</param>
/// <param name="Length">Their bytes.</param>
internal sealed record StagedParts(string Key, string UploadId, string Attempt, int Count, long Length)
{
    /// <summary>What is only known to be there.</summary>
    /// <param name="key">The object.</param>
    /// <param name="uploadId">The upload; empty when it was completed.</param>
    public static StagedParts Abandoned(string key, string uploadId) => new(key, uploadId, "", 0, 0);

    /// <summary>Renders the location as text.</summary>
    public string Render() =>
        TextList.Render([Key, UploadId, Attempt, Count.ToString(CultureInfo.InvariantCulture), Length.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    public static StagedParts Parse(string text) => TextList.Parse(text) is [var key, var upload, var attempt, var count, var length]
        ? new StagedParts(key, upload, attempt, int.Parse(count, CultureInfo.InvariantCulture), long.Parse(length, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is no location of staged parts.");
}
