using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression;

/// <summary>What a decoder found wrong. It knows neither file nor codec name: the doors of this folder turn it into a <see cref="DataFormatException"/>,
/// nobody else sees it.</summary>
/// <param name="reason">What is wrong, without a full stop.</param>
/// <param name="offset">Where, in bytes after what the decoder had consumed.</param>
/// <param name="advice">What to do; null for damaged data, where it is always the same.</param>
internal sealed class CompressionFault(string reason, long offset = 0, string? advice = null) : Exception(reason)
{
    private const string Damaged = "The data was cut or changed after it was written: fetch or create it again.";

    public long Offset { get; } = offset;

    /// <summary>Makes the error for users.</summary>
    /// <param name="codec">The codec's name.</param>
    /// <param name="position">Compressed bytes before those that the fault counts from.</param>
    /// <param name="name">The file; null for a block inside one.</param>
    public DataFormatException ToDataFormatException(string codec, long position, string? name = null) => new(
        $"the {codec} data cannot be read: {Message} (at compressed byte {position + Offset}). {advice ?? Damaged}",
        name is null ? null : new SourceLocation(name), this);

    /// <summary>Makes the error for input that ends too early.</summary>
    /// <param name="codec">The codec's name.</param>
    /// <param name="position">Length of the input in bytes.</param>
    /// <param name="name">The file; null for a block inside one.</param>
    public static DataFormatException Truncated(string codec, long position, string? name = null) =>
        new CompressionFault(position == 0 ? "it is empty, not even a header is there" : "it ends too early").ToDataFormatException(codec, position, name);
}
