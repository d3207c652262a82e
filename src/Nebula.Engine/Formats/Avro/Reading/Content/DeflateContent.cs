using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Deflate;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>Blocks of raw deflate data (RFC 1951).</summary>
internal sealed unsafe class DeflateContent(int maxRecordSize, BufferPool pool) : WindowContent(maxRecordSize, Inflater.HistorySize, pool)
{
    // Some writers leave the checksum of a zlib stream behind the data.
    private const int MaxTrailer = 4;
    private readonly Inflater _inflater = new(pool);
    private long _used;

    /// <inheritdoc/>
    public override void Open(AvroInput data)
    {
        _inflater.Reset();
        _used = 0;
        base.Open(data);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _inflater.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override byte* Produce(byte* to, byte* limit)
    {
        var input = Input!;
        var end = to;
        while (end == to)
        {
            var at = input.At;
            try
            {
                _inflater.Inflate(ref at, input.End, WindowStart, ref end, limit);
                _used += at - input.At;
                input.At = at;
                if (_inflater.IsFinished)
                {
                    if (input.Length - _used > MaxTrailer)
                        throw new CompressionFault($"{input.Length - _used} bytes follow behind its end");
                    Complete();
                    return end;
                }
            }
            catch (CompressionFault fault)
            {
                throw fault.ToDataFormatException("deflate", _used);
            }
            if (!_inflater.NeedsOutput && !input.Fetch())
                throw CompressionFault.Truncated("deflate", input.Length);
        }
        return end;
    }
}
