using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>A stream of a stripe that was written.</summary>
/// <param name="kind">What it holds.</param>
/// <param name="form">What its positions consist of.</param>
/// <param name="groups">Number of row groups; 0 for a stream that has no positions.</param>
internal sealed class OutputStream(StreamKind kind, PositionForm form, int groups)
{
    private readonly int[] _offsets = new int[groups];
    private readonly byte[] _bits = form == PositionForm.Bits ? new byte[groups] : [];
    private readonly List<int> _chunkStarts = [];

    /// <summary>What it holds.</summary>
    public StreamKind Kind => kind;

    /// <summary>Whether indexes hold positions in it.</summary>
    public bool HasPositions => groups > 0;

    /// <summary>Bytes as stored.</summary>
    public int StoredLength { get; private set; }

    /// <summary>Says where a row group starts.</summary>
    /// <param name="group">Number of the row group.</param>
    /// <param name="offset">Offset in the content, where a run starts.</param>
    /// <param name="bits">Bits behind it that belong to the row group before.</param>
    public void GroupStarts(int group, int offset, int bits = 0)
    {
        _offsets[group] = offset;
        if (form == PositionForm.Bits)
            _bits[group] = (byte)bits;
    }

    /// <summary>Ends the stream: its content is complete.</summary>
    /// <param name="content">The content.</param>
    /// <param name="compressor">Makes chunks of it.</param>
    /// <param name="target">Takes what is stored.</param>
    public void Finish(ReadOnlySpan<byte> content, ChunkCompressor compressor, GrowingBuffer target)
    {
        var start = target.Length;
        compressor.Compress(content, target, groups > 0 ? _chunkStarts : null);
        StoredLength = target.Length - start;
    }

    /// <summary>Writes the position of a row group, as numbers of a packed field.</summary>
    /// <param name="group">Number of the row group.</param>
    /// <param name="compressor">What the content was compressed with.</param>
    /// <param name="writer">Takes the numbers.</param>
    public void WritePosition(int group, ChunkCompressor compressor, ProtobufWriter writer)
    {
        var offset = _offsets[group];
        if (compressor.Compression == OrcCompression.None)
            writer.Packed((ulong)offset);
        else
        {
            var chunk = offset / compressor.BlockSize;
            writer.Packed(_chunkStarts.Count == 0 ? 0 : (ulong)_chunkStarts[chunk]);
            writer.Packed((ulong)(offset % compressor.BlockSize));
        }
        // runs end with row groups, so no value of one belongs to another
        if (form != PositionForm.Bytes)
            writer.Packed(0);
        if (form == PositionForm.Bits)
            writer.Packed(_bits[group]);
    }
}

/// <summary>What was written of a column in a stripe.</summary>
/// <param name="type">The column.</param>
/// <param name="groups">Number of row groups.</param>
internal sealed class ColumnOutput(OrcType type, int groups)
{
    /// <summary>The column.</summary>
    public OrcType Type => type;

    /// <summary>Its encoding.</summary>
    public ColumnEncoding Encoding { get; set; } = new(type.Kind switch
    {
        OrcTypeKind.Boolean or OrcTypeKind.Byte or OrcTypeKind.Float or OrcTypeKind.Double or OrcTypeKind.Struct => ColumnEncodingKind.Direct,
        _ => ColumnEncodingKind.DirectV2,
    }, 0);

    /// <summary>Its streams, those with positions in the order in which indexes list them.</summary>
    public List<OutputStream> Streams { get; } = [];

    /// <summary>Statistics per row group.</summary>
    public StatisticsBuilder[] Statistics { get; } = [.. Enumerable.Range(0, groups).Select(_ => new StatisticsBuilder(type))];

    /// <summary>Bloom filters per row group; empty when there are none.</summary>
    public BloomFilter[] BloomFilters { get; set; } = [];
}
