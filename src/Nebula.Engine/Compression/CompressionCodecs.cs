using Nebula.Engine.Compression.Brotli;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Compression.Gzip;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression;

/// <summary>All codecs, and how to find one.</summary>
public static class CompressionCodecs
{
    /// <summary>No compression: bytes pass unchanged.</summary>
    public static CompressionCodec None { get; } = new NoneCodec();

    /// <summary>gzip (RFC 1952).</summary>
    public static CompressionCodec Gzip { get; } = new GzipCodec();

    /// <summary>Zstandard (RFC 8878).</summary>
    public static CompressionCodec Zstd { get; } = new ZstdCodec();

    /// <summary>LZ4 frames.</summary>
    public static CompressionCodec Lz4 { get; } = new Lz4Codec();

    /// <summary>Snappy in its framing format.</summary>
    public static CompressionCodec Snappy { get; } = new SnappyCodec();

    /// <summary>S2, the extension of Snappy.</summary>
    public static CompressionCodec S2 { get; } = new S2Codec();

    /// <summary>Brotli (RFC 7932).</summary>
    public static CompressionCodec Brotli { get; } = new BrotliCodec();

    /// <summary>Deflate, wrapped as zlib (RFC 1950) or raw (RFC 1951).</summary>
    public static CompressionCodec Deflate { get; } = new DeflateCodec();

    /// <summary>Every codec, <c>none</c> last.</summary>
    public static IReadOnlyList<CompressionCodec> All { get; } = [Gzip, Zstd, Lz4, Snappy, S2, Brotli, Deflate, None];

    /// <summary>Finds the codec of a name.</summary>
    /// <param name="name">The name as users write it; case does not matter.</param>
    /// <exception cref="NebulaException">There is no such codec.</exception>
    public static CompressionCodec ByName(string name)
    {
        foreach (var codec in All)
            if (codec.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return codec;
        var names = All.Select(codec => codec.Name).ToArray();
        throw NebulaException.Configuration($"There is no compression '{name}'.{Suggestion.For(name, names)} Choose one of {string.Join(", ", names)}.");
    }

    /// <summary>Finds the codec that the end of a path stands for; null when it names none.</summary>
    /// <param name="path">A file name, path or object key; case does not matter.</param>
    public static CompressionCodec? ByExtension(string path)
    {
        foreach (var codec in All)
            foreach (var extension in codec.Extensions)
                if (path.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                    return codec;
        return null;
    }

    /// <summary>Finds the codec whose signature a file starts with; null when there is none, which does not prove that the file is not compressed.</summary>
    /// <param name="firstBytes">The first bytes of the file; 64 are plenty, fewer are allowed.</param>
    public static CompressionCodec? Detect(ReadOnlySpan<byte> firstBytes)
    {
        foreach (var codec in All)
            if (codec.Matches(firstBytes))
                return codec;
        return null;
    }
}
