using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Reading;
using Nebula.Engine.Formats.Arrow.Writing;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow;

/// <summary>Arrow IPC: files (also called Feather version 2) and streams.</summary>
internal sealed class ArrowFormat : IContainerFormat
{
    private const int LargestSchema = 16 << 20;

    public string Name => "arrow";

    public string Summary => "Arrow IPC files and streams, Feather version 2";

    public IReadOnlyList<string> Extensions { get; } = [".arrow", ".arrows", ".feather", ".ipc"];

    public IReadOnlyList<OptionDescriptor> ReadOptions => [];

    public IReadOnlyList<OptionDescriptor> WriteOptions => ArrowOptions.Write;

    public IReadOnlyList<string>? OwnCodecs => ArrowOptions.Codecs;

    public bool KeepsTypes => true;

    public TypeMapping Map(DataType type) => ArrowTypeMapping.Describe(type);

    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool)
    {
        NestingDepth.Require(schema, SchemaReader.MaxDepth, "Arrow");
        return new ArrowEncoder(schema, ArrowOptions.From(options), pool);
    }

    /// <inheritdoc/>
    public bool Matches(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith(ArrowFile.Magic) || head.StartsWith("FEA1"u8))
            return true;
        // A stream begins with the length of its schema and the position of the root in it, which is never far from the start.
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFF, 0xFF, 0xFF]))
            head = head[sizeof(int)..];
        if (head.Length < 2 * sizeof(int))
            return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        var root = BinaryPrimitives.ReadInt32LittleEndian(head[sizeof(int)..]);
        return length is > 2 * sizeof(int) and <= LargestSchema && length % 4 == 0 && root is >= sizeof(int) and <= 256 && root % 4 == 0;
    }

    public IContainerFile Open(IRandomAccess bytes, OptionValues options, BufferPool pool) => ArrowFile.Open(bytes, pool);
}
