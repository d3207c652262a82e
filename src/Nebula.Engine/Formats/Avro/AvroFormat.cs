using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Reading;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro;

/// <summary>Avro object container files, version 1.</summary>
internal sealed class AvroFormat : IContainerFormat
{
    private const long MaxSchemaSize = 64 << 20;

    public string Name => "avro";

    public string Summary => "Avro container files: all types, unions, schema resolution; null, deflate, snappy, zstandard, bzip2, xz";

    public IReadOnlyList<string> Extensions { get; } = [".avro"];

    public IReadOnlyList<OptionDescriptor> ReadOptions => AvroOptions.Read;

    public IReadOnlyList<OptionDescriptor> WriteOptions => [];

    public IReadOnlyList<string>? OwnCodecs { get; } = ["snappy", "none", "deflate", "zstd"];

    public bool KeepsTypes => true;

    public bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(AvroHeader.Magic);

    public TypeMapping Map(DataType type) => throw new InvalidOperationException();

    public IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool)
    {
        try
        {
            return new AvroFile(bytes, options.Text("schema") is { } path ? ReadSchema(path, options.LocationOf("schema")) : null);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) => throw new InvalidOperationException();

    private static AvroSchema ReadSchema(string path, SourceLocation? location)
    {
        try
        {
            if (new FileInfo(path).Length > MaxSchemaSize)
                throw NebulaException.Configuration($"The schema {path} is larger than 64 MB. 'schema' names a file with an Avro schema as JSON.", location);
            return AvroSchemaParser.Parse(File.ReadAllBytes(path), path, isStrict: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NebulaException.Configuration($"The schema {path} cannot be read: {e.Message} 'schema' names a file with an Avro schema as JSON.", location);
        }
    }
}
