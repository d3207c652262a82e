using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Orc;

/// <summary>What a decoder found wrong. It knows neither file nor stripe: <see cref="Reading.OrcFile"/> and <see cref="Reading.OrcReader"/> turn it into a
/// <see cref="DataFormatException"/>, nobody else sees it.</summary>
/// <param name="reason">What is wrong: a sentence without a full stop.</param>
/// <param name="advice">What to do; null for damaged data, where it is always the same.</param>
/// <param name="inner">The cause, for logs.</param>
internal sealed class OrcFault(string reason, string? advice = null, Exception? inner = null) : Exception(reason, inner)
{
    private const string Damaged = "The file was cut or changed after it was written, or its writer is faulty: fetch or create it again.";

    /// <summary>Path of the column in which it was found; null until known.</summary>
    public string? Column { get; set; }

    /// <summary>Makes the error for users.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Offset in the file near which it was found; -1 when unknown.</param>
    /// <param name="part">What of the file was being read; null when the reason says so.</param>
    public DataFormatException ToDataFormatException(string file, long offset, string? part = null) =>
        new($"{(part is null ? "" : part + ": ")}{Message}. {advice ?? Damaged}", new SourceLocation(file, Column: Column, ByteOffset: offset), this);
}
