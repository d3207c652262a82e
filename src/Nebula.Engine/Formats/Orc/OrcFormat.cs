using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Reading;
using Nebula.Engine.Formats.Orc.Writing;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc;

/// <summary>Apache ORC, versions 0.11 and 0.12 of the format (specification "ORC v1").</summary>
internal sealed class OrcFormat : IContainerFormat
{
    /// <inheritdoc/>
    public string Name => "orc";

    /// <inheritdoc/>
    public string Summary => "Apache ORC: columns in stripes with indexes, as Hive, Spark and Trino write them";

    /// <inheritdoc/>
    public IReadOnlyList<string> Extensions { get; } = [".orc"];

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> ReadOptions => OrcOptions.Read;

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> WriteOptions => OrcOptions.Write;

    /// <inheritdoc/>
    public IReadOnlyList<string>? OwnCodecs { get; } = ["zstd", "none", "deflate", "snappy", "lz4"];

    /// <inheritdoc/>
    public bool KeepsTypes => true;

    /// <inheritdoc/>
    public bool Matches(ReadOnlySpan<byte> head) => head.StartsWith("ORC"u8);

    /// <inheritdoc/>
    public IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool) => new OrcFile(bytes, options, pool);

    /// <inheritdoc/>
    public TypeMapping Map(DataType type) => OrcTypes.Map(type);

    /// <inheritdoc/>
    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool)
    {
        NestingDepth.Require(schema, FileFooter.MaxDepth, "ORC");
        return new OrcEncoder(schema, OrcWriteOptions.From(options), pool);
    }
}
