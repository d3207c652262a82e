using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Reading;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Formats.Avro.Writing;
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

    public IReadOnlyList<OptionDescriptor> WriteOptions => AvroOptions.Write;

    public IReadOnlyList<string>? OwnCodecs => AvroWriteOptions.Codecs;

    public bool KeepsTypes => true;

    public bool Matches(ReadOnlySpan<byte> head) => head.StartsWith(AvroHeader.Magic);

    public TypeMapping Map(DataType type)
    {
        switch (type.Kind)
        {
            case TypeKind.Int8 or TypeKind.Int16 or TypeKind.UInt8 or TypeKind.UInt16:
                return new("int", Fidelity.Widened);
            case TypeKind.UInt32:
                return new("long", Fidelity.Widened);
            case TypeKind.UInt64:
                return new("bytes (decimal 20, 0)", Fidelity.Widened);
            case TypeKind.Time when type.Unit == TimeUnit.Nanosecond:
                return new("long (time-micros)", Fidelity.Lossy, "nanoseconds are cut to microseconds") { WrittenAs = DataType.Time };
            case TypeKind.Timestamp when type.Zone is not (null or "UTC"):
                return new($"long ({AvroSchemaWriter.Describe(type).Logical})", Fidelity.Widened, "the point in time is kept, the name of the zone is not");
            case TypeKind.Json:
                return new("string", Fidelity.Widened, "read back as text");
            case TypeKind.Uuid:
                return new("fixed 16 (uuid)");
            case TypeKind.List:
                return new("array");
            case TypeKind.Struct:
                return new("record");
            case TypeKind.Map:
                return new(type.Fields[0].Type.Kind == TypeKind.String ? "map" : "array (map) of records of key and value");
            case TypeKind.Decimal:
                return new($"bytes (decimal {type.Precision}, {type.Scale})");
            default:
                var (name, logical, _, _) = AvroSchemaWriter.Describe(type);
                return new(logical is null ? name : $"{name} ({logical})");
        }
    }

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

    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) =>
        new AvroBlockEncoder(schema, AvroWriteOptions.From(options), pool);

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
