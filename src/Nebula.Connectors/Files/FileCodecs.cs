using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.Files;

/// <summary>Which codec a file has: the user's word first, then the file's first bytes, then its name.</summary>
internal static class FileCodecs
{
    /// <summary>Names of all codecs, for options.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. CompressionCodecs.All.Select(static codec => codec.Name)];

    /// <summary>A path without the ending of a codec.</summary>
    public static string WithoutExtension(string path)
    {
        if (CompressionCodecs.ByExtension(path) is not { } codec)
            return path;
        var extension = codec.Extensions.First(e => path.EndsWith(e, StringComparison.OrdinalIgnoreCase));
        return path[..^extension.Length];
    }

    /// <summary>Bytes at the start of a file that tell its codec.</summary>
    public const int SignatureLength = 64;

    /// <summary>Puts the decoder of a file's codec on its stored bytes.</summary>
    /// <param name="stored">The bytes as stored, from the start.</param>
    /// <param name="path">The file, for its ending and for messages.</param>
    /// <param name="options">The source's options.</param>
    public static Stream Decode(Stream stored, string path, OptionValues options)
    {
        if (options.Text("compression") is { } name)
            return Decode(stored, path, CompressionCodecs.ByName(name));
        var prefix = new byte[SignatureLength];
        var length = TextBlocks.Fill(stored, prefix);
        return Decode(new PrefixedStream(prefix, length, stored), path, Of(prefix.AsSpan(0, length), path, options));
    }

    /// <summary>The codec of a file.</summary>
    /// <param name="head">Its first bytes, up to <see cref="SignatureLength"/>.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">The source's options.</param>
    public static CompressionCodec Of(ReadOnlySpan<byte> head, string path, OptionValues options)
    {
        if (options.Text("compression") is { } name)
            return CompressionCodecs.ByName(name);
        var byName = CompressionCodecs.ByExtension(path);
        // two bytes that zlib streams start with also start texts: there the name must agree
        var bySignature = CompressionCodecs.Detect(head) is { } found && (found != CompressionCodecs.Deflate || found == byName) ? found : null;
        return bySignature ?? (head.IsEmpty ? null : byName) ?? CompressionCodecs.None;
    }

    /// <summary>The codec that a file is written with.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">The destination's options.</param>
    public static CompressionCodec ForWriting(string path, OptionValues options) =>
        options.Text("compression") is { } name ? CompressionCodecs.ByName(name) : CompressionCodecs.ByExtension(path) ?? CompressionCodecs.None;

    private static Stream Decode(Stream stored, string path, CompressionCodec codec) =>
        codec == CompressionCodecs.None ? stored : codec.OpenRead(stored, path, leaveOpen: true);
}
