namespace Nebula.Engine.Compression;

/// <summary>
/// Decodes the bytes of one file as they arrive. Holds no stream and never waits: whoever has the bytes calls <see cref="Decompress"/>, and calls it again
/// with more when it wrote none.
/// </summary>
internal abstract class Decompressor : IDisposable
{
    /// <summary>Bytes of the current call's input that are decoded; where a <see cref="CompressionFault"/> counts from.</summary>
    public int Consumed { get; protected set; }

    /// <summary>Whether the file may end after the bytes consumed so far.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Decodes until the output is full or more input is needed.</summary>
    /// <param name="input">The compressed bytes that follow those consumed before. <see cref="Consumed"/> tells how many of them need not be given
    /// again.</param>
    /// <param name="output">Where decoded bytes go; not empty.</param>
    /// <returns>Bytes written. 0 only when <paramref name="input"/> is too short to go on.</returns>
    /// <exception cref="CompressionFault">The input is corrupt.</exception>
    public abstract int Decompress(ReadOnlySpan<byte> input, Span<byte> output);

    public abstract void Dispose();
}
