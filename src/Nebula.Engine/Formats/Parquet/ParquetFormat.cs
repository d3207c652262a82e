using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Reading;
using Nebula.Engine.Formats.Parquet.Writing;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet;

/// <summary>Apache Parquet.</summary>
internal sealed class ParquetFormat : IContainerFormat
{
    /// <inheritdoc/>
    public string Name => "parquet";

    /// <inheritdoc/>
    public string Summary => "Apache Parquet: columns in row groups, encoded and compressed, with statistics.";

    /// <inheritdoc/>
    public IReadOnlyList<string> Extensions { get; } = [".parquet", ".parq", ".pq"];

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> ReadOptions => ParquetReadOptions.Descriptors;

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> WriteOptions => ParquetWriteOptions.Descriptors;

    /// <inheritdoc/>
    public IReadOnlyList<string>? OwnCodecs => ParquetWriteOptions.Codecs;

    /// <inheritdoc/>
    public bool KeepsTypes => true;

    /// <inheritdoc/>
    public bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(ParquetFile.Magic) || head.StartsWith("PARE"u8);

    /// <inheritdoc/>
    public IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool) => ParquetFile.Open(bytes, ParquetReadOptions.From(options));

    /// <inheritdoc/>
    public TypeMapping Map(DataType type) => ParquetTypes.Map(type);

    /// <inheritdoc/>
    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) =>
        new ParquetBlockEncoder(schema, ParquetWriteOptions.From(options), pool);
}
