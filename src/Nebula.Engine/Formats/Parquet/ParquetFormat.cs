using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Parquet.Reading;
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
    public IReadOnlyList<OptionDescriptor> WriteOptions => [];

    /// <inheritdoc/>
    public IReadOnlyList<string>? OwnCodecs { get; } = ["snappy", "none", "gzip", "zstd", "lz4_raw", "brotli"];

    /// <inheritdoc/>
    public bool KeepsTypes => true;

    /// <inheritdoc/>
    public bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(ParquetFile.Magic) || head.StartsWith("PARE"u8);

    /// <inheritdoc/>
    public IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool) => ParquetFile.Open(bytes, ParquetReadOptions.From(options));

    /// <inheritdoc/>
    public TypeMapping Map(DataType type) => throw new NotSupportedException();

    /// <inheritdoc/>
    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) => throw new NotSupportedException();
}
