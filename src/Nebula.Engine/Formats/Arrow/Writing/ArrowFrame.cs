using System.Buffers.Binary;
using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Reading;

namespace Nebula.Engine.Formats.Arrow.Writing;

/// <summary>What stands around the record batches of a file: magic numbers, schema and footer, or of a stream: schema and end mark.</summary>
/// <param name="fields">The columns.</param>
/// <param name="isStream">Whether it is a stream.</param>
internal sealed class ArrowFrame(ImmutableArray<ArrowField> fields, bool isStream) : IFileFrame
{
    private const int MagicSize = 8;

    private readonly List<MessageBlock> _batches = [];

    private static ReadOnlySpan<byte> EndOfStream => [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

    public void Begin(IFileOutput output)
    {
        if (!isStream)
        {
            Span<byte> magic = stackalloc byte[MagicSize];
            magic.Clear();
            ArrowFile.Magic.CopyTo(magic);
            output.Write(magic);
        }
        output.Write(MetadataWriter.WriteSchemaMessage(fields, isStream ? 0 : MagicSize));
    }

    public void Add(EncodedBlock block, IFileOutput output)
    {
        if (!isStream)
            _batches.Add((MessageBlock)block.Metadata! with { Offset = output.Position });
        output.Write(block);
    }

    public void End(IFileOutput output)
    {
        output.Write(EndOfStream);
        if (isStream)
            return;
        var footer = MetadataWriter.WriteFooter(fields, _batches);
        output.Write(footer);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        output.Write(length);
        output.Write(ArrowFile.Magic);
    }
}
