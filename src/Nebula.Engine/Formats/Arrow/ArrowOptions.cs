using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow;

/// <summary>How files are written.</summary>
/// <param name="IsStream">Whether as a stream, without footer.</param>
/// <param name="Codec">How buffers are compressed.</param>
/// <param name="Level">Level of zstd, 1 to 22.</param>
internal sealed record ArrowOptions(bool IsStream, BodyCodec Codec, int Level)
{
    /// <summary>Values of <c>compression</c>, the default first.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["none", "lz4", "zstd"];

    /// <summary>What can be set.</summary>
    public static IReadOnlyList<OptionDescriptor> Write { get; } =
    [
        new("layout", OptionKind.Choice, "'file' ends with a footer that lists its batches and can be read in any order; 'stream' has none and can be read while it is written.", "file")
        {
            Choices = ["file", "stream"],
        },
        new("compression", OptionKind.Choice, "How each buffer inside the file is compressed.", "none") { Choices = Codecs },
        new("compression_level", OptionKind.Integer, "Level of zstd, 1 (fast) to 22 (small).", "3"),
    ];

    /// <summary>Takes over what the user set.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="Diagnostics.NebulaException">The level is outside of its range.</exception>
    public static ArrowOptions From(OptionValues options)
    {
        var level = options.Integer("compression_level")!.Value;
        if (level is < 1 or > 22)
            throw Diagnostics.NebulaException.Configuration($"Option 'compression_level' of {options.Owner} must be from 1 to 22; it is {level}.", options.LocationOf("compression_level"));
        var codec = options.Text("compression") switch { "lz4" => BodyCodec.Lz4Frame, "zstd" => BodyCodec.Zstd, _ => BodyCodec.None };
        return new ArrowOptions(options.Text("layout") == "stream", codec, (int)level);
    }
}
