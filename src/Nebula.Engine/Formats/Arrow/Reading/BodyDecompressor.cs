using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Decodes compressed buffers (Message.fbs, <c>BodyCompressionMethod.BUFFER</c>). Owns the memory of what it decodes.</summary>
/// <param name="isBigEndian">Whether values have their most significant byte first.</param>
/// <param name="pool">Where memory comes from.</param>
internal sealed class BodyDecompressor(bool isBigEndian, BufferPool pool) : IDisposable
{
    private const int PrefixSize = sizeof(long);
    private const long Stored = -1;

    // A length beyond this is believed only as far as bytes really come out.
    private const int PlausibleRatio = 256;
    private const int PlausibleSize = 1 << 20;

    private readonly BufferScope _scope = new();
    private ZstdDecompressionContext? _zstd;

    /// <summary>Decodes what columns need.</summary>
    /// <param name="body">The batch as loaded.</param>
    /// <param name="memory">The memory of its buffers.</param>
    /// <param name="columns">The columns.</param>
    /// <returns>The batch with decoded buffers, good until this is disposed of.</returns>
    /// <exception cref="ArrowFault">A buffer is damaged.</exception>
    public BatchBody Decompress(BatchBody body, PooledBuffer memory, IEnumerable<ColumnPlan> columns)
    {
        var result = body.CreateEmpty();
        foreach (var (column, which, index) in columns.SelectMany(column => BodyLoader.BuffersOf(body, column)))
        {
            var source = body.Loaded(index);
            if (source.Length < PrefixSize)
                throw new ArrowFault($"a compressed buffer has {source.Length} bytes, too few for its length", body.Header.Buffers[index].Offset, column.Path);
            var length = BinaryPrimitives.ReadInt64LittleEndian(source);
            if (length == 0)
                continue;
            var content = length == Stored ? Copy(source[PrefixSize..], body, index, memory, result)
                : Decode(source[PrefixSize..], length, body, index, column);
            if (content is not null)
                result.SetPart(index, content, 0, 0, content.Length);
            if (isBigEndian)
                ByteOrder.Reverse(column, which, result.Loaded(index));
        }
        return result;
    }

    /// <summary>Returns all memory.</summary>
    public void Dispose()
    {
        _zstd?.Dispose();
        _scope.Dispose();
    }

    /// <summary>A buffer that is not compressed: taken as it lies there, unless it must be changed.</summary>
    private PooledBuffer? Copy(ReadOnlySpan<byte> content, BatchBody body, int index, PooledBuffer memory, BatchBody result)
    {
        if (!isBigEndian)
        {
            result.SetPart(index, memory, body.OffsetOf(index) + PrefixSize, 0, content.Length);
            return null;
        }
        var copy = _scope.Add(pool.Rent(content.Length + BatchBody.Slack));
        content.CopyTo(copy.Span);
        copy.Length = content.Length;
        return copy;
    }

    private PooledBuffer Decode(ReadOnlySpan<byte> source, long length, BatchBody body, int index, ColumnPlan column)
    {
        var offset = body.Header.Buffers[index].Offset;
        if (length is < 0 or > BufferPool.MaxCapacity - BatchBody.Slack)
            throw new ArrowFault($"a compressed buffer announces {length} bytes, more than can be held at once", offset, column.Path,
                advice: "Have the file written with smaller batches, or leave the column out.");
        try
        {
            return length <= source.Length * (long)PlausibleRatio + PlausibleSize ? DecodeTo(source, (int)length, body.Header.Codec)
                : DecodeGrowing(source, (int)length, body.Header.Codec);
        }
        catch (DataFormatException e)
        {
            throw new ArrowFault(e.Reason.TrimEnd('.'), offset, column.Path, advice: "");
        }
    }

    private PooledBuffer DecodeTo(ReadOnlySpan<byte> source, int length, BodyCodec codec)
    {
        var target = _scope.Add(pool.Rent(length + BatchBody.Slack));
        target.Length = length;
        if (codec == BodyCodec.Lz4Frame)
        {
            Lz4Frame.Decompress(source, target.Content);
            return target;
        }
        _zstd ??= new ZstdDecompressionContext(pool);
        var written = _zstd.Decompress(source, target.Content);
        return written == length ? target
            : throw new DataFormatException($"the zstd data holds {written} bytes, but {length} are announced. {ArrowFault.Damaged}");
    }

    private PooledBuffer DecodeGrowing(ReadOnlySpan<byte> source, int length, BodyCodec codec)
    {
        using Decompressor decompressor = codec == BodyCodec.Lz4Frame ? new Lz4FrameDecompressor(pool) : new ZstdDecompressor(pool);
        using var content = CompressedBlock.Decompress(decompressor, codec == BodyCodec.Lz4Frame ? "lz4" : "zstd", source, length, pool);
        if (content.Length != length)
            throw new DataFormatException($"the compressed data holds {content.Length} bytes, but {length} are announced. {ArrowFault.Damaged}");
        var target = _scope.Add(pool.Rent(length + BatchBody.Slack));
        content.Content.CopyTo(target.Span);
        target.Length = length;
        return target;
    }
}
