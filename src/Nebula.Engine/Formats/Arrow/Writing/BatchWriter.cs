using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Writing;

/// <summary>
/// Writes one record batch message: the columns' buffers one behind the other, and where they are into the message's metadata. What has no meaning (null slots,
/// padding) is written as zeros, so that equal rows give equal bytes.
/// </summary>
internal sealed class BatchWriter : IDisposable
{
    private const int LengthPrefix = sizeof(long);

    // What a frame of content that cannot be compressed has more than that: headers, and one of 4 bytes for each 128 KiB at least.
    private const int FrameOverhead = 64;
    private const int FrameOverheadShift = 14;
    private const int EntrySize = 2 * sizeof(long);
    private const long Stored = -1;

    private readonly BatchTemplate _template;
    private readonly PooledBuffer _output;
    private readonly ArrowOptions _options;
    private readonly BufferPool _pool;
    private readonly Lz4FrameCompressor? _lz4;
    private readonly ZstdCompressionContext? _zstd;
    private PooledBuffer? _scratch;
    private int _position;
    private int _nodes;
    private int _buffers;

    /// <summary>Makes a writer.</summary>
    /// <param name="template">The message's metadata.</param>
    /// <param name="output">Where the message goes; large enough for <see cref="MaxBodyLength"/>.</param>
    /// <param name="options">How buffers are compressed.</param>
    /// <param name="pool">Where other memory comes from.</param>
    public BatchWriter(BatchTemplate template, PooledBuffer output, ArrowOptions options, BufferPool pool)
    {
        _template = template;
        _output = output;
        _options = options;
        _pool = pool;
        if (options.Codec == BodyCodec.Zstd)
            _zstd = new ZstdCompressionContext(options.Level, checksum: false, pool);
        else if (options.Codec == BodyCodec.Lz4Frame)
            _lz4 = new Lz4FrameCompressor();
        template.Bytes.CopyTo(output.Span);
        _position = template.Bytes.Length;
    }

    /// <summary>Most bytes that the body of a batch can have.</summary>
    /// <param name="batch">The batch.</param>
    public static long MaxBodyLength(RecordBatch batch)
    {
        var length = 0L;
        foreach (var column in batch.Columns)
            length += MaxLength(column, 0, column.Length);
        return length;
    }

    /// <summary>Writes the message.</summary>
    /// <param name="batch">The batch.</param>
    public void Write(RecordBatch batch)
    {
        foreach (var column in batch.Columns)
            WriteColumn(column, 0, batch.Length);
        BinaryPrimitives.WriteInt64LittleEndian(_output.Span[_template.RowsAt..], batch.Length);
        BinaryPrimitives.WriteInt64LittleEndian(_output.Span[_template.BodyLengthAt..], _position - _template.Bytes.Length);
        _output.Length = _position;
    }

    /// <summary>Returns working memory.</summary>
    public void Dispose()
    {
        _scratch?.Dispose();
        _zstd?.Dispose();
        _lz4?.Dispose();
    }

    private static long MaxLength(Column column, int start, int count)
    {
        // Three buffers at most have a prefix and padding each; maps have a bitmap more.
        var length = 4L * (LengthPrefix + MetadataWriter.Alignment) + Bitmap.ByteCount(count);
        switch (ColumnLayouts.Of(column.Type))
        {
            case ColumnLayout.Bits:
                return length + Bitmap.ByteCount(count);
            case ColumnLayout.Fixed:
                var bytes = (long)count * (column.Type.Kind == TypeKind.Decimal ? 2 * sizeof(long) : column.Type.ByteWidth);
                return length + bytes + FrameOverhead + (bytes >> FrameOverheadShift);
            case ColumnLayout.Bytes:
                return length + (count + 1L) * sizeof(int) + ByteCount(column, start, count);
            case ColumnLayout.List:
                length += (count + 1L) * sizeof(int);
                var (first, elements) = Elements(column, start, count);
                foreach (var child in column.Children)
                    length += MaxLength(child, first, elements);
                return length;
            default:
                foreach (var child in column.Children)
                    length += MaxLength(child, start, count);
                return length;
        }
    }

    private static long ByteCount(Column column, int start, int count)
    {
        if (count == 0)
            return 0;
        if (column.Dictionary is null)
            return column.Offsets[start + count] - column.Offsets[start];
        var bytes = 0L;
        var offsets = column.Dictionary.Offsets;
        var indices = column.Indices.Slice(start, count);
        for (var i = 0; i < indices.Length; i++)
            if (!column.HasValidity || Bitmap.Get(column.Validity, start + i))
                bytes += offsets[indices[i] + 1] - offsets[indices[i]];
        return bytes;
    }

    private static (int First, int Count) Elements(Column column, int start, int count) =>
        count == 0 ? (0, 0) : (column.Offsets[start], column.Offsets[start + count] - column.Offsets[start]);

    private void WriteColumn(Column column, int start, int count)
    {
        var nulls = !column.HasValidity ? 0 : count == column.Length ? column.NullCount : count - BitRange.CountSet(column.Validity, start, count);
        var validity = nulls == 0 ? default : column.Validity;
        BeginNode(count, nulls);
        WriteBits(validity, default, start, nulls == 0 ? 0 : count);
        switch (ColumnLayouts.Of(column.Type))
        {
            case ColumnLayout.Bits:
                WriteBits(column.Bits, validity, start, count);
                break;
            case ColumnLayout.Fixed:
                WriteFixed(column, validity, start, count);
                break;
            case ColumnLayout.Bytes when column.Dictionary is not null:
                WriteDictionaryBytes(column, start, count);
                break;
            case ColumnLayout.Bytes:
                WriteOffsets(column, start, count);
                var bytes = (int)ByteCount(column, start, count);
                column.Bytes.Slice(bytes == 0 ? 0 : column.Offsets[start], bytes).CopyTo(Begin(bytes));
                End(bytes);
                break;
            case ColumnLayout.List:
                WriteOffsets(column, start, count);
                var (first, elements) = Elements(column, start, count);
                if (column.Type.Kind == TypeKind.Map)
                {
                    BeginNode(elements, 0);
                    WriteBits(default, default, 0, 0);
                }
                foreach (var child in column.Children)
                    WriteColumn(child, first, elements);
                break;
            default:
                foreach (var child in column.Children)
                    WriteColumn(child, start, count);
                break;
        }
    }

    /// <summary>Writes bits; those of null slots and behind the last as zeros.</summary>
    private void WriteBits(ReadOnlySpan<byte> bits, ReadOnlySpan<byte> validity, int start, int count)
    {
        var length = (count + 7) >> 3;
        // whole words: what is written too much is overwritten by padding
        var target = MemoryMarshal.Cast<byte, ulong>(Begin(length, Bitmap.ByteCount(count)));
        for (var i = 0; i < target.Length; i++)
        {
            var step = Math.Min(64, count - 64 * i);
            var word = BitRange.Read(bits, start + 64 * i, step);
            target[i] = validity.IsEmpty ? word : word & BitRange.Read(validity, start + 64 * i, step);
        }
        End(length);
    }

    private void WriteFixed(Column column, ReadOnlySpan<byte> validity, int start, int count)
    {
        if (column.Type.Kind == TypeKind.Decimal && column.Type.ByteWidth == sizeof(long))
        {
            WriteWidened(column, validity, start, count);
            return;
        }
        var width = column.Type.ByteWidth;
        var length = count * width;
        var source = ColumnLayouts.FixedBytes(column).Slice(start * width, length);
        var target = Begin(length);
        if (validity.IsEmpty)
            source.CopyTo(target);
        else
            switch (width)
            {
                case 1:
                    CopyValid<byte>(source, validity, start, target);
                    break;
                case 2:
                    CopyValid<short>(source, validity, start, target);
                    break;
                case 4:
                    CopyValid<int>(source, validity, start, target);
                    break;
                case 8:
                    CopyValid<long>(source, validity, start, target);
                    break;
                default:
                    CopyValid<Int128>(source, validity, start, target);
                    break;
            }
        End(length, mayStore: width < 2 * sizeof(long));
    }

    private static void CopyValid<T>(ReadOnlySpan<byte> source, ReadOnlySpan<byte> validity, int start, Span<byte> target) where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(source);
        var output = MemoryMarshal.Cast<byte, T>(target)[..values.Length];
        for (var i = 0; i < values.Length; i += 64)
        {
            var count = Math.Min(64, values.Length - i);
            var valid = BitRange.Read(validity, start + i, count);
            var from = values.Slice(i, count);
            var to = output.Slice(i, count);
            if (valid == ulong.MaxValue)
                from.CopyTo(to);
            else
                for (var k = 0; k < from.Length; k++)
                    to[k] = (valid >> k & 1) != 0 ? from[k] : default;
        }
    }

    private void WriteWidened(Column column, ReadOnlySpan<byte> validity, int start, int count)
    {
        var length = checked(count * 2 * sizeof(long));
        var source = column.Values<long>().Slice(start, count);
        var target = MemoryMarshal.Cast<byte, long>(Begin(length));
        for (var i = 0; i < source.Length; i++)
        {
            var value = validity.IsEmpty || Bitmap.Get(validity, start + i) ? source[i] : 0;
            target[2 * i] = value;
            target[2 * i + 1] = value >> 63;
        }
        End(length, mayStore: false);
    }

    private void WriteOffsets(Column column, int start, int count)
    {
        var length = (count + 1) * sizeof(int);
        var target = MemoryMarshal.Cast<byte, int>(Begin(length));
        if (count == 0)
            target[0] = 0;
        else
        {
            var source = column.Offsets.Slice(start, count + 1);
            var first = source[0];
            if (first == 0)
                source.CopyTo(target);
            else
                for (var i = 0; i < source.Length; i++)
                    target[i] = source[i] - first;
        }
        End(length);
    }

    private void WriteDictionaryBytes(Column column, int start, int count)
    {
        var bytes = ByteCount(column, start, count);
        if (bytes > int.MaxValue)
            throw new NebulaException(ErrorKind.Limit,
                $"{count} values of one column have {Units.FormatSize(bytes)}, more than a record batch can hold. Lower the block size.");
        var indices = column.Indices.Slice(start, count);
        var dictionary = column.Dictionary!;
        var length = (count + 1) * sizeof(int);
        var ends = MemoryMarshal.Cast<byte, int>(Begin(length));
        ends[0] = 0;
        for (var i = 0; i < indices.Length; i++)
            ends[i + 1] = ends[i] + (column.IsNull(start + i) ? 0 : dictionary.Offsets[indices[i] + 1] - dictionary.Offsets[indices[i]]);
        End(length);
        var target = Begin((int)bytes);
        for (var i = 0; i < indices.Length; i++)
            if (!column.IsNull(start + i))
            {
                var value = dictionary.GetBytes(indices[i]);
                value.CopyTo(target);
                target = target[value.Length..];
            }
        End((int)bytes);
    }

    private void BeginNode(int length, int nulls)
    {
        var entry = _output.Span.Slice(_template.NodesAt + _nodes++ * EntrySize, EntrySize);
        BinaryPrimitives.WriteInt64LittleEndian(entry, length);
        BinaryPrimitives.WriteInt64LittleEndian(entry[sizeof(long)..], nulls);
    }

    private Span<byte> Begin(int length) => Begin(length, length);

    /// <summary>Room for the bytes of the next buffer.</summary>
    /// <param name="length">Number of bytes.</param>
    /// <param name="reserved">Number of bytes that may be written.</param>
    private Span<byte> Begin(int length, int reserved)
    {
        if (_options.Codec == BodyCodec.None)
            return _output.Span.Slice(_position, reserved);
        if (_scratch is null || _scratch.Capacity < reserved)
        {
            _scratch?.Dispose();
            _scratch = _pool.Rent(Math.Max(reserved, length));
        }
        return _scratch.Span[..reserved];
    }

    /// <summary>Ends the buffer: compresses it, says where it is, pads it.</summary>
    /// <param name="length">Number of bytes.</param>
    /// <param name="mayStore">Whether it may stay as it is where compressing does not help. Polars cannot read values of 16 bytes then.</param>
    private void End(int length, bool mayStore = true)
    {
        var stored = _options.Codec == BodyCodec.None || length == 0 ? length : Compress(_scratch!.Span[..length], mayStore);
        var entry = _output.Span.Slice(_template.BuffersAt + _buffers++ * EntrySize, EntrySize);
        BinaryPrimitives.WriteInt64LittleEndian(entry, _position - _template.Bytes.Length);
        BinaryPrimitives.WriteInt64LittleEndian(entry[sizeof(long)..], stored);
        var end = _position + stored;
        var next = end + MetadataWriter.Alignment - 1 & -MetadataWriter.Alignment;
        _output.Span[end..next].Clear();
        _position = next;
    }

    /// <summary>Compresses a buffer, unless that makes it larger and it may stay as it is.</summary>
    private int Compress(ReadOnlySpan<byte> content, bool mayStore)
    {
        var target = _output.Span[_position..];
        using var compressed = _zstd is not null ? _zstd.Compress(content, _pool) : _lz4!.Compress(content, _pool);
        var isStored = compressed.Length >= content.Length && (mayStore
            || compressed.Length > content.Length + FrameOverhead + (content.Length >> FrameOverheadShift));
        BinaryPrimitives.WriteInt64LittleEndian(target, isStored ? Stored : content.Length);
        var bytes = isStored ? content : compressed.Content;
        bytes.CopyTo(target[LengthPrefix..]);
        return LengthPrefix + bytes.Length;
    }
}
