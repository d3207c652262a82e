using Nebula.Engine.Columns;
using Nebula.Engine.Compression;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>Blocks of any codec that decodes a stream.</summary>
/// <param name="create">Makes the decoder of one block.</param>
/// <param name="codec">The codec's name, for messages.</param>
/// <param name="maxRecordSize">Most bytes of one record.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class StreamContent(Func<Decompressor> create, string codec, int maxRecordSize, BufferPool pool) : WindowContent(maxRecordSize, 0, pool)
{
    private Decompressor? _decompressor;
    private long _used;

    /// <inheritdoc/>
    public override void Open(AvroInput data)
    {
        _decompressor?.Dispose();
        _decompressor = null;
        _decompressor = create();
        _used = 0;
        base.Open(data);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _decompressor?.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override byte* Produce(byte* to, byte* limit)
    {
        var input = Input!;
        while (true)
        {
            int written;
            try
            {
                written = _decompressor!.Decompress(new ReadOnlySpan<byte>(input.At, (int)(input.End - input.At)), new Span<byte>(to, (int)(limit - to)));
            }
            catch (CompressionFault fault)
            {
                throw fault.ToDataFormatException(codec, _used);
            }
            input.At += _decompressor.Consumed;
            _used += _decompressor.Consumed;
            if (written > 0)
                return to + written;
            if (input.Fetch())
                continue;
            if (!_decompressor.IsComplete || input.At != input.End)
                throw CompressionFault.Truncated(codec, _used);
            Complete();
            return to;
        }
    }
}
