using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow;

/// <summary>How files are written.</summary>
/// <param name="IsStream">Whether as a stream, without footer.</param>
/// <param name="Codec">How buffers are compressed.</param>
/// <param name="Level">Level of zstd, 1 to 22.</param>
internal sealed record ArrowOptions(bool IsStream, BodyCodec Codec, int Level)
{
    private const int DefaultLevel = 3;

    /// <summary>Values of <c>compression</c>, the default first.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["none", "lz4", "zstd"];

    /// <summary>What can be set besides what all files have.</summary>
    public static IReadOnlyList<OptionDescriptor> Write { get; } =
    [
        new("layout", OptionKind.Choice,
            "'file' ends with a footer that lists its batches and can be read in any order; 'stream' has none and can be read while it is written.", "file")
        {
            Choices = ["file", "stream"],
        },
    ];

    /// <summary>Takes over what the user set.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="NebulaException">The codec does not have the level.</exception>
    public static ArrowOptions From(OptionValues options)
    {
        var codec = options.Text("compression") switch { "lz4" => BodyCodec.Lz4Frame, "zstd" => BodyCodec.Zstd, _ => BodyCodec.None };
        var level = options.Integer("compression_level") ?? DefaultLevel;
        if (options.IsSet("compression_level") && (codec != BodyCodec.Zstd || level is < 1 or > 22))
            throw NebulaException.Configuration($"Option 'compression_level' of {options.Owner} is {level}; {options.Text("compression")} "
                + (codec == BodyCodec.Zstd ? "has levels from 1 to 22." : "has no levels. Leave it out."), options.LocationOf("compression_level"));
        return new ArrowOptions(options.Text("layout") == "stream", codec, (int)level);
    }
}
