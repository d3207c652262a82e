using Nebula.Engine.Connectors;

namespace Nebula.Engine.Formats.Avro;

/// <summary>What can be set on Avro, by name.</summary>
internal static class AvroOptions
{
    /// <summary>What can be set when Avro is read.</summary>
    public static IReadOnlyList<OptionDescriptor> Read { get; } =
    [
        new("schema", OptionKind.Text, "Path of a schema (.avsc) that files are read as, by the rules of schema resolution: fields left out, added with their "
            + "defaults, renamed by aliases, widened. "
            + "Each file's own when not set."),
    ];

    /// <summary>What can be set when Avro is written.</summary>
    public static IReadOnlyList<OptionDescriptor> Write { get; } =
    [
        new("block_size", OptionKind.Size, "Bytes of a block before compression: more compress better with deflate and zstd, but readers hold a whole block "
            + "in memory.", "256KiB"),
        new("record_name", OptionKind.Text, "Name of the record in the schema, with a namespace before the last dot.", "row"),
    ];
}
