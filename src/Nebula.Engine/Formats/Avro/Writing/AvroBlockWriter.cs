using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>Compresses the content of blocks and frames it (Avro specification, "Object Container Files"). Used by one thread.</summary>
internal sealed unsafe class AvroBlockWriter : IDisposable
{
    private const int HeaderSize = 20;
    private const int ChecksumSize = 4;
    private readonly PooledOutput _output = new();
    private readonly AvroCodec _codec;
    private readonly int _level;
    private readonly byte[] _marker;
    private readonly BufferPool _pool;
    private readonly ZstdCompressionContext? _zstd;

    /// <summary>Makes a writer.</summary>
    /// <param name="codec">How blocks are compressed.</param>
    /// <param name="level">How hard, where the codec has levels.</param>
    /// <param name="marker">What stands behind every block.</param>
    /// <param name="capacity">Bytes expected in all.</param>
    /// <param name="pool">Where buffers come from.</param>
    public AvroBlockWriter(AvroCodec codec, int level, byte[] marker, int capacity, BufferPool pool)
    {
        _codec = codec;
        _level = level;
        _marker = marker;
        _pool = pool;
        _zstd = codec == AvroCodec.Zstandard ? new ZstdCompressionContext(level, checksum: true, pool) : null;
        _output.Begin(pool, capacity);
    }

    /// <summary>Adds a block.</summary>
    /// <param name="content">Its records.</param>
    /// <param name="text">Where most of them is, when it is text; empty otherwise.</param>
    /// <param name="rows">Number of records.</param>
    public void Add(ReadOnlySpan<byte> content, ReadOnlySpan<SearchPlace> text, int rows)
    {
        switch (_codec)
        {
            case AvroCodec.Snappy:
                AddSnappy(content, text, rows);
                break;
            case AvroCodec.Deflate:
                using (var deflated = DeflateBlock.Compress(content, _level, _pool))
                    AddData(deflated.Content, rows);
                break;
            case AvroCodec.Zstandard:
                using (var frame = _zstd!.Compress(content, _pool))
                    AddData(frame.Content, rows);
                break;
            default:
                AddData(content, rows);
                break;
        }
        _output.Write(_marker);
    }

    /// <summary>Gives the blocks away.</summary>
    public PooledBuffer Take() => _output.Take();

    public void Dispose()
    {
        _zstd?.Dispose();
        _output.Dispose();
    }

    private void AddData(ReadOnlySpan<byte> data, int rows)
    {
        _output.Advance(WriteHeader(_output.Reserve(HeaderSize), rows, data.Length));
        _output.Write(data);
    }

    /// <summary>Compresses into place; how many bytes stand in front is known only then, so the data is moved a little.</summary>
    private void AddSnappy(ReadOnlySpan<byte> content, ReadOnlySpan<SearchPlace> text, int rows)
    {
        var room = _output.Reserve(HeaderSize + SnappyBlock.MaxCompressedLength(content.Length) + ChecksumSize);
        var data = room[HeaderSize..];
        // numbers hardly ever repeat, and looking costs as much there
        var length = text.IsEmpty ? SnappyBlock.Compress(content, data) : SnappyBlock.Compress(content, data, text);
        BinaryPrimitives.WriteUInt32BigEndian(data[length..], Crc32.Update(0, content));
        length += ChecksumSize;
        var header = WriteHeader(room, rows, length);
        data[..length].CopyTo(room[header..]);
        _output.Advance(header + length);
    }

    private static int WriteHeader(Span<byte> target, int rows, int length)
    {
        fixed (byte* start = target)
            return (int)(AvroRowWriter.WriteLong(AvroRowWriter.WriteLong(start, rows), length) - start);
    }
}
