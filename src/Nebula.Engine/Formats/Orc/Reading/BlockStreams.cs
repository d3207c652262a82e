using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Opens the streams of a block, each at the first value of the block. Owns them, their readers, and what these rent.</summary>
/// <param name="detail">What the block holds.</param>
/// <param name="buffer">Its bytes.</param>
/// <param name="settings">What all readers share.</param>
internal sealed class BlockStreams(StripeBlock detail, PooledBuffer buffer, ReadSettings settings) : IDisposable
{
    private readonly BufferScope _owned = new();
    private readonly ChunkDecompressor? _decompressor = settings.PostScript.Compression == OrcCompression.None
        ? null : new ChunkDecompressor(settings.PostScript.Compression, settings.PostScript.CompressionBlockSize, settings.Pool);

    /// <summary>What all readers share.</summary>
    public ReadSettings Settings => settings;

    /// <summary>The zone in which timestamps were written.</summary>
    public TimeZoneRules Zone => detail.Zone;

    /// <summary>Rows of the batch that is being read.</summary>
    public int BatchRows { get; set; }

    /// <summary>Most bytes, or elements, that one column may bring into the batch that is being read.</summary>
    public long BatchLimit => BatchRows > 1 ? ReadSettings.LargeBatch : settings.MaxRecordSize;

    /// <summary>Checks what a column brings into the batch that is being read.</summary>
    /// <param name="total">Bytes or elements.</param>
    /// <param name="longest">Those of the largest value.</param>
    /// <exception cref="BatchTooLargeException">The batch must be read with fewer rows.</exception>
    public void CheckBatch(long total, long longest)
    {
        if (longest > settings.MaxRecordSize || total > settings.MaxRecordSize && BatchRows == 1)
            throw new OrcFault($"a record needs more than the {Diagnostics.Units.FormatSize(settings.MaxRecordSize)} that one may have",
                "Raise the memory limit, or leave out the column.");
        if (total > BatchLimit)
            throw new BatchTooLargeException();
    }

    /// <summary>Checks that a stream can hold what is claimed, before room is made for it.</summary>
    /// <param name="stream">The stream; null when there is none.</param>
    /// <param name="bytes">Bytes of content.</param>
    public static void CheckHolds(ByteStream? stream, long bytes)
    {
        if (bytes > (stream?.MostBytesLeft ?? 0))
            throw new OrcFault($"values of {bytes} bytes are claimed, but their stream cannot hold so many");
    }

    /// <summary>Lends working memory until the block is read.</summary>
    /// <param name="capacity">Bytes needed.</param>
    public PooledBuffer Rent(int capacity) => _owned.Add(settings.Pool.Rent(capacity));

    /// <summary>Makes a buffer that grows, good until the block is read.</summary>
    public GrowingBuffer CreateBuffer() => _owned.Add(new GrowingBuffer(settings.Pool));

    /// <summary>The encoding of a column.</summary>
    /// <param name="column">Its number.</param>
    public ColumnEncoding EncodingOf(int column) => detail.Footer.Encodings[column] is { Kind: not ColumnEncodingKind.Unknown } encoding
        ? encoding : throw new OrcFault($"column {column} has an encoding that is not known");

    /// <summary>Opens a stream of integers; null when the stripe has none.</summary>
    /// <param name="column">Number of the column.</param>
    /// <param name="kind">What the stream holds.</param>
    /// <param name="isSigned">Whether values are zigzag-coded.</param>
    public IntegerReader? OpenIntegers(int column, StreamKind kind, bool isSigned)
    {
        if (Open(column, kind, out var slice) is not { } stream)
            return null;
        IntegerReader reader = EncodingOf(column).IsVersion2 ? new IntegerReaderV2(stream, isSigned, settings.Pool)
            : new IntegerReaderV1(stream, isSigned, settings.Pool);
        if (slice.End is { } end)
            reader.ExpectEnd(end.Values);
        _owned.Add(reader);
        reader.Skip(slice.Start?.Values ?? 0);
        return reader;
    }

    /// <summary>Opens a stream of bytes that are run length encoded; null when the stripe has none.</summary>
    /// <inheritdoc cref="OpenIntegers"/>
    public ByteRunReader? OpenByteRuns(int column, StreamKind kind)
    {
        if (Open(column, kind, out var slice) is not { } stream)
            return null;
        var reader = new ByteRunReader(stream);
        if (slice.End is { } end)
            reader.ExpectEnd(end.Values);
        reader.Skip(slice.Start?.Values ?? 0);
        return reader;
    }

    /// <summary>Opens a stream of bits; null when the stripe has none.</summary>
    /// <inheritdoc cref="OpenIntegers"/>
    public BooleanReader? OpenBooleans(int column, StreamKind kind)
    {
        if (Open(column, kind, out var slice) is not { } stream)
            return null;
        var reader = new BooleanReader(stream, settings.Pool);
        if (slice.End is { } end)
            reader.ExpectEnd(end.Values, end.Bits);
        _owned.Add(reader);
        reader.Skip(slice.Start?.Values ?? 0, slice.Start?.Bits ?? 0);
        return reader;
    }

    /// <summary>Opens a stream of plain content; null when the stripe has none.</summary>
    /// <inheritdoc cref="OpenIntegers"/>
    public ByteStream? OpenBytes(int column, StreamKind kind) => Open(column, kind, out _);

    /// <summary>Checks that a stream of plain content was read to where the next row group starts.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="column">Number of its column.</param>
    /// <param name="kind">What it holds.</param>
    public void VerifyEnd(ByteStream? stream, int column, StreamKind kind)
    {
        if (stream is null || Find(column, kind) is not { End: not null })
            return;
        if (stream.MarkOffset == long.MaxValue)
            stream.Ensure((int)Math.Min(stream.Available + 1, int.MaxValue));
        if (stream.ContentOffset != stream.MarkOffset)
            throw RunPosition.IndexContradicts();
    }

    /// <summary>The error for a stream that a stripe must have and has not.</summary>
    /// <param name="kind">What it would hold.</param>
    public static OrcFault Missing(StreamKind kind) => new($"the stripe has values, but no {kind} stream with them");

    /// <inheritdoc/>
    public void Dispose()
    {
        _owned.Dispose();
        _decompressor?.Dispose();
    }

    private ByteStream? Open(int column, StreamKind kind, out StreamSlice slice)
    {
        slice = default;
        if (Find(column, kind) is not { } found)
            return null;
        slice = found;
        var stream = new ByteStream(kind.ToString(), buffer.Span.Slice(found.BufferOffset, (int)found.Length), found.StreamOffset, _decompressor,
            settings.Pool);
        _owned.Add(stream);
        if (found.End is { } end)
            stream.Mark(end.Stream);
        if (found.Start is { } start && start.Stream.Offset > 0)
            stream.Skip(start.Stream.Offset);
        return stream;
    }

    private StreamSlice? Find(int column, StreamKind kind)
    {
        // slices are sorted by column
        var slices = detail.Slices;
        var (low, high) = (0, slices.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (slices[middle].Column < column)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < slices.Length && slices[low].Column == column; low++)
            if (slices[low].Kind == kind)
                return slices[low];
        return null;
    }
}
