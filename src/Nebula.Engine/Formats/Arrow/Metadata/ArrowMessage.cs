using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Formats.Arrow.Metadata;

/// <summary>The union <c>MessageHeader</c> of Message.fbs.</summary>
internal enum MessageKind : byte { None, Schema, DictionaryBatch, RecordBatch, Tensor, SparseTensor }

/// <summary><c>CompressionType</c> of Message.fbs, and none.</summary>
internal enum BodyCodec : byte { None, Lz4Frame, Zstd }

/// <summary>Length of one field of a batch (<c>FieldNode</c> of Message.fbs).</summary>
/// <param name="Length">Number of values.</param>
/// <param name="NullCount">How many are null.</param>
internal readonly record struct FieldNode(long Length, long NullCount);

/// <summary>Place of a buffer in a body (<c>Buffer</c> of Schema.fbs).</summary>
/// <param name="Offset">First byte, from the start of the body.</param>
/// <param name="Length">Number of bytes, without padding.</param>
internal readonly record struct BufferRange(long Offset, long Length);

/// <summary>What a batch consists of (<c>RecordBatch</c> of Message.fbs).</summary>
/// <param name="Length">Number of rows.</param>
/// <param name="Nodes">The fields, depth first.</param>
/// <param name="Buffers">Their buffers, in the same order; they lie within the body.</param>
/// <param name="Codec">How each buffer is compressed.</param>
/// <param name="VariadicCounts">Number of data buffers of each field that stores views.</param>
internal sealed record BatchHeader(long Length, FieldNode[] Nodes, BufferRange[] Buffers, BodyCodec Codec, long[] VariadicCounts);

/// <summary>The metadata of a message (<c>Message</c> of Message.fbs).</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Version">Version of the metadata: 3 for V4, 4 for V5.</param>
/// <param name="BodyLength">Bytes of the body.</param>
internal sealed record ArrowMessage(MessageKind Kind, short Version, long BodyLength)
{
    /// <summary>The oldest version that can be read.</summary>
    public const short V4 = 3;

    private const short V5 = 4;

    /// <summary>The schema, of a schema message.</summary>
    public ArrowSchema? Schema { get; private init; }

    /// <summary>The batch, of a record batch or dictionary.</summary>
    public BatchHeader? Batch { get; private init; }

    /// <summary>Which dictionary it is.</summary>
    public long DictionaryId { get; private init; }

    /// <summary>Whether a dictionary's values come behind those sent before, instead of replacing them.</summary>
    public bool IsDelta { get; private init; }

    /// <summary>Whether unions have a validity bitmap, as they had before V5.</summary>
    public bool HasUnionValidity => Version < V5;

    /// <summary>Reads the metadata of a message.</summary>
    /// <param name="metadata">A buffer of FlatBuffers with a <c>Message</c> as its root.</param>
    /// <exception cref="ArrowFault">It is damaged, or of a version that is not supported.</exception>
    public static ArrowMessage Read(ReadOnlySpan<byte> metadata)
    {
        var root = FlatTable.Root(metadata);
        var message = new ArrowMessage((MessageKind)root.Byte(1), root.Int16(0), root.Int64(3));
        CheckVersion(message.Version);
        if (message.BodyLength < 0)
            throw new ArrowFault("a body has a negative length", 0);
        var header = root.Table(2);
        if (!header.Exists)
            throw new ArrowFault("a message has no header", 0);
        switch (message.Kind)
        {
            case MessageKind.Schema:
                return message with { Schema = new SchemaReader(metadata.Length).Read(header) };
            case MessageKind.RecordBatch:
                return message with { Batch = ReadBatch(header, root, message.BodyLength) };
            case MessageKind.DictionaryBatch:
                var data = header.Table(1);
                if (!data.Exists)
                    throw new ArrowFault("a dictionary has no values", 0);
                return message with { Batch = ReadBatch(data, root, message.BodyLength), DictionaryId = header.Int64(0), IsDelta = header.Bool(2) };
            case MessageKind.Tensor or MessageKind.SparseTensor:
                throw new ArrowFault("it holds a tensor, which has no rows and columns", 0, advice: "Write the data as a table.");
            default:
                throw new ArrowFault($"a message has the kind {(int)message.Kind}, which is not defined", 0);
        }
    }

    /// <summary>Checks the version of metadata.</summary>
    /// <param name="version">The version as stored.</param>
    /// <exception cref="ArrowFault">It is not supported.</exception>
    public static void CheckVersion(short version)
    {
        if (version is < V4 or > V5)
            throw new ArrowFault($"the metadata has version V{version + 1}; V4 and V5 can be read", 0,
                advice: version > V5 ? "A newer Arrow library wrote it: have it written in version V5." : "Write it again with Arrow 0.8 or newer.");
    }

    private static BatchHeader ReadBatch(FlatTable batch, FlatTable message, long bodyLength)
    {
        var length = batch.Int64(0);
        if (length < 0)
            throw new ArrowFault($"a batch has {length} rows", 0);
        var nodes = MemoryMarshal.Cast<byte, FieldNode>(batch.Vector(1, 2 * sizeof(long)).Bytes).ToArray();
        foreach (var node in nodes)
            if (node.Length < 0 || node.NullCount > node.Length)
                throw new ArrowFault($"a field has {node.Length} values, {node.NullCount} of them null", 0);
        var buffers = MemoryMarshal.Cast<byte, BufferRange>(batch.Vector(2, 2 * sizeof(long)).Bytes).ToArray();
        foreach (var buffer in buffers)
            if (buffer.Offset < 0 || buffer.Length < 0 || buffer.Length > bodyLength || buffer.Offset > bodyLength - buffer.Length)
                throw new ArrowFault($"a buffer of {buffer.Length} bytes at byte {buffer.Offset} lies outside of the body, which has {bodyLength}", 0);
        var counts = MemoryMarshal.Cast<byte, long>(batch.Vector(4, sizeof(long)).Bytes).ToArray();
        return new BatchHeader(length, nodes, buffers, ReadCodec(batch.Table(3), message), counts);
    }

    private static BodyCodec ReadCodec(FlatTable compression, FlatTable message)
    {
        if (compression.Exists)
        {
            if (compression.Byte(1) != 0)
                throw new ArrowFault($"a body is compressed by the method {compression.Byte(1)}; only 0 is defined", 0);
            return compression.Byte(0) switch
            {
                0 => BodyCodec.Lz4Frame,
                1 => BodyCodec.Zstd,
                var codec => throw new ArrowFault($"a body is compressed by the codec {codec}; 0 (LZ4) and 1 (zstd) are defined", 0),
            };
        }
        // Arrow 0.17 wrote it here, before the format had a place for it.
        var pairs = message.Vector(4, sizeof(uint));
        for (var i = 0; i < pairs.Count; i++)
        {
            var pair = pairs.Table(i);
            if (!pair.String(0, out _).SequenceEqual("ARROW:experimental_compression"u8))
                continue;
            var name = pair.String(1, out _);
            return System.Text.Ascii.EqualsIgnoreCase(name, "lz4"u8) ? BodyCodec.Lz4Frame
                : System.Text.Ascii.EqualsIgnoreCase(name, "zstd"u8) ? BodyCodec.Zstd
                : throw new ArrowFault($"a body is compressed by the codec {Diagnostics.DataFormatException.Show(name)}; lz4 and zstd can be read", 0);
        }
        return BodyCodec.None;
    }
}

/// <summary>Place of a message in a file (<c>Block</c> of File.fbs).</summary>
/// <param name="Offset">First byte of the message, which is its length.</param>
/// <param name="MetadataLength">Bytes from there to the body.</param>
/// <param name="BodyLength">Bytes of the body.</param>
internal readonly record struct MessageBlock(long Offset, int MetadataLength, long BodyLength)
{
    /// <summary>First byte of the body.</summary>
    public long BodyOffset => Offset + MetadataLength;
}

/// <summary>The end of a file (<c>Footer</c> of File.fbs).</summary>
/// <param name="Version">Version of the metadata.</param>
/// <param name="Schema">The columns.</param>
/// <param name="Dictionaries">The dictionaries, in the order in which they apply.</param>
/// <param name="RecordBatches">The record batches, in order.</param>
/// <param name="Metadata">Keys and values that the writer added.</param>
internal sealed record ArrowFooter(short Version, ArrowSchema Schema, MessageBlock[] Dictionaries, MessageBlock[] RecordBatches,
    System.Collections.Immutable.ImmutableArray<KeyValuePair<string, string>> Metadata)
{
    private const int BlockSize = 24;

    /// <summary>Reads a footer.</summary>
    /// <param name="footer">A buffer of FlatBuffers with a <c>Footer</c> as its root.</param>
    /// <param name="end">Where the footer begins in the file: blocks end before.</param>
    /// <exception cref="ArrowFault">It is damaged, or of a version that is not supported.</exception>
    public static ArrowFooter Read(ReadOnlySpan<byte> footer, long end)
    {
        var root = FlatTable.Root(footer);
        // Files without batches have had no version here; what counts is that of each message.
        var version = root.Int16(0) is 0 ? ArrowMessage.V4 : root.Int16(0);
        ArrowMessage.CheckVersion(version);
        var reader = new SchemaReader(footer.Length);
        var schema = reader.Read(root.Table(1));
        return new ArrowFooter(version, schema, ReadBlocks(root.Vector(2, BlockSize), end), ReadBlocks(root.Vector(3, BlockSize), end),
            reader.ReadMetadata(root.Vector(4, sizeof(uint))));
    }

    private static MessageBlock[] ReadBlocks(FlatVector blocks, long end)
    {
        var result = new MessageBlock[blocks.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var bytes = blocks[i];
            var block = new MessageBlock(BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));
            if (block.Offset < 0 || block.Offset > end || block.MetadataLength < 0 || block.MetadataLength > end - block.Offset
                || block.BodyLength < 0 || block.BodyLength > end - block.BodyOffset)
                throw new ArrowFault(
                    $"block {i} of the footer lies outside of the file (byte {block.Offset}, {block.MetadataLength} bytes of metadata and {block.BodyLength} "
                        + "of body)", 0);
            result[i] = block;
        }
        return result;
    }
}
