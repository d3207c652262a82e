using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>How a file is written.</summary>
/// <param name="Codec">How blocks are compressed.</param>
/// <param name="Level">How hard, where the codec has levels.</param>
/// <param name="BlockSize">Bytes of a block before compression; the row that reaches it is its last.</param>
/// <param name="RecordName">Name of the record in the schema, with namespace if it has one.</param>
internal sealed record AvroWriteOptions(AvroCodec Codec, int Level, int BlockSize, string RecordName)
{
    private const int LargestBlock = 1 << 30;

    /// <summary>Names of codecs as users write them, the default first.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["snappy", "none", "deflate", "zstd"];

    /// <summary>Reads what the user set.</summary>
    /// <exception cref="NebulaException">An option is wrong.</exception>
    public static AvroWriteOptions From(OptionValues options)
    {
        var (codec, fallback, highest) = options.Text("compression") switch
        {
            "none" => (AvroCodec.None, 0, 0),
            "deflate" => (AvroCodec.Deflate, 6, 9),
            "zstd" => (AvroCodec.Zstandard, 3, 22),
            _ => (AvroCodec.Snappy, 0, 0),
        };
        var level = options.Integer("compression_level") ?? fallback;
        if (options.IsSet("compression_level") && (level < 1 || level > highest))
            throw NebulaException.Configuration($"Option 'compression_level' of {options.Owner} is {level}; {options.Text("compression")} "
                + (highest == 0 ? "has no levels. Leave it out." : $"has levels from 1 to {highest}."), options.LocationOf("compression_level"));
        var size = options.Size("block_size")!.Value;
        if (size is < 1 or > LargestBlock)
            throw NebulaException.Configuration($"Option 'block_size' of {options.Owner} must be between 1B and 1GiB.", options.LocationOf("block_size"));
        var name = options.Text("record_name")!;
        if (!name.Split('.').All(static part => part.Length > 0 && !char.IsAsciiDigit(part[0])
            && part.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_')))
            throw NebulaException.Configuration($"Option 'record_name' of {options.Owner} must consist of letters, digits and underscores, no digit first, "
                + $"with dots after namespaces; it is '{name}'.",
                options.LocationOf("record_name"));
        return new AvroWriteOptions(codec, (int)level, (int)size, name);
    }
}
