using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>What a decoder of this format found wrong. It knows no names: whoever knows file, row group and column makes it a <see
/// cref="DataFormatException"/>.</summary>
/// <param name="reason">What is wrong, without a full stop.</param>
/// <param name="offset">Where, in bytes from the start of what was being decoded; -1 when unknown.</param>
/// <param name="advice">What to do; null for damaged data, where it is always the same.</param>
internal sealed class ParquetFault(string reason, long offset = -1, string? advice = null) : Exception(reason)
{
    private const string Damaged = "The file was cut or changed after it was written: fetch or create it again.";

    /// <summary>Where, in bytes from the start of what was being decoded; -1 when unknown.</summary>
    public long Offset { get; } = offset;

    /// <summary>Makes the error for users.</summary>
    /// <param name="file">The file.</param>
    /// <param name="part">What of it: <c>the footer</c>, <c>row group 3</c>.</param>
    /// <param name="column">The column's path; null outside columns.</param>
    /// <param name="start">Where in the file <see cref="Offset"/> counts from; -1 when that means nothing.</param>
    public DataFormatException ToDataFormatException(string file, string part, string? column = null, long start = -1) => new(
        $"{part} cannot be read: {Message}. {advice ?? Damaged}",
        new SourceLocation(file, Column: column, ByteOffset: start < 0 ? -1 : start + Math.Max(Offset, 0)), this);
}
