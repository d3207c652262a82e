using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression;

/// <summary>A compressed file format: how to recognise, read and write it. Immutable and thread-safe; get one from <see cref="CompressionCodecs"/>.</summary>
public abstract class CompressionCodec
{
    private protected CompressionCodec()
    {
    }

    /// <summary>The name users write, in lower case: <c>gzip</c>.</summary>
    public abstract string Name { get; }

    /// <summary>File name endings with their dot, the customary one first. Empty when files of this codec have none.</summary>
    public abstract IReadOnlyList<string> Extensions { get; }

    /// <summary>The levels users may ask for: more compresses better and slower. Equal bounds mean that there is nothing to choose.</summary>
    public abstract (int Min, int Max, int Default) Levels { get; }

    /// <summary>Whether a file that starts with these bytes is of this codec. Always false for formats without a signature (brotli, raw deflate).</summary>
    /// <param name="firstBytes">The first bytes of the file; 64 are plenty, fewer are allowed.</param>
    public abstract bool Matches(ReadOnlySpan<byte> firstBytes);

    /// <summary>Opens compressed bytes for reading. The stream gives the whole content or throws: never a part of it as if it were all.</summary>
    /// <param name="compressed">The compressed bytes, read from where the stream stands to its end.</param>
    /// <param name="name">The file or object, for error messages.</param>
    /// <param name="leaveOpen">Whether <paramref name="compressed"/> stays open when the returned stream is disposed of.</param>
    /// <param name="pool">Where working memory comes from; the pool of the process when null.</param>
    /// <returns>A read-only, forward-only stream. Its reads throw <see cref="DataFormatException"/> for corrupt or incomplete input.</returns>
    /// <exception cref="NebulaException">A native library that the codec needs is missing.</exception>
    public virtual Stream OpenRead(Stream compressed, string name, bool leaveOpen, BufferPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(compressed);
        ArgumentNullException.ThrowIfNull(name);
        pool ??= BufferPool.Shared;
        return new DecompressingStream(CreateDecompressor(pool), Name, compressed, name, leaveOpen, pool);
    }

    /// <summary>Starts the writing of one file.</summary>
    /// <param name="level">A level within <see cref="Levels"/>; the default one when null.</param>
    /// <exception cref="NebulaException">The level is out of range, or a native library that the codec needs is missing.</exception>
    public ICompressor CreateCompressor(int? level = null)
    {
        var (min, max, standard) = Levels;
        if (level is { } asked && (asked < min || asked > max))
            throw NebulaException.Configuration(min == max
                ? $"{Name} has no compression levels, but level {asked} was asked for. Leave the level out."
                : $"{Name} has no compression level {asked}. Choose one from {min} (fastest) to {max} (smallest), or leave it out for {standard}.");
        return CreateCompressorCore(level ?? standard);
    }

    /// <summary>Makes a decoder for the bytes of one file.</summary>
    /// <param name="pool">Where its working memory comes from.</param>
    internal abstract Decompressor CreateDecompressor(BufferPool pool);

    /// <summary>Makes an encoder for the bytes of one file.</summary>
    /// <param name="level">A level that was checked.</param>
    private protected abstract ICompressor CreateCompressorCore(int level);

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
