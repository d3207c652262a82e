using System.Buffers.Binary;
using System.Collections.Immutable;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Writing;

/// <summary>Writes the metadata of messages and the footer (Message.fbs, Schema.fbs, File.fbs).</summary>
internal static class MetadataWriter
{
    /// <summary>What messages and buffers are aligned to: a cache line, as the format recommends.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes in front of the metadata of a message.</summary>
    public const int PrefixSize = 2 * sizeof(int);

    private const short V5 = 4;
    private const int NodeSize = 16;
    private const int BlockSize = 24;

    /// <summary>Writes a schema message with its prefix.</summary>
    /// <param name="fields">The columns.</param>
    /// <param name="position">Where in the file it will begin; what follows is aligned.</param>
    public static byte[] WriteSchemaMessage(ImmutableArray<ArrowField> fields, int position)
    {
        var writer = new FlatBufferWriter();
        var message = WriteMessage(writer, MessageKind.Schema);
        writer.Link(message, 2, WriteSchema(writer, fields));
        return Frame(writer.Bytes, position);
    }

    /// <summary>Writes the message of a record batch, without numbers.</summary>
    /// <param name="nodes">Number of fields.</param>
    /// <param name="buffers">Number of buffers.</param>
    /// <param name="codec">How buffers are compressed.</param>
    public static BatchTemplate WriteBatchTemplate(int nodes, int buffers, BodyCodec codec)
    {
        var writer = new FlatBufferWriter();
        var message = WriteMessage(writer, MessageKind.RecordBatch);
        var isCompressed = codec != BodyCodec.None;
        FlatField[] compression = isCompressed ? [FlatField.Offset(3)] : [];
        var batch = writer.Table([new(0, sizeof(long)), FlatField.Offset(1), FlatField.Offset(2), .. compression]);
        writer.Link(message, 2, batch);
        if (isCompressed)
            writer.Link(batch, 3, writer.Table(new(0, 1, codec == BodyCodec.Zstd ? 1 : 0), new(1, 1)));
        var nodeVector = writer.Vector(nodes, NodeSize, sizeof(long));
        writer.Link(batch, 1, nodeVector);
        var bufferVector = writer.Vector(buffers, NodeSize, sizeof(long));
        writer.Link(batch, 2, bufferVector);
        return new BatchTemplate(Frame(writer.Bytes, 0), PrefixSize + writer.PositionOf(message, 3), PrefixSize + writer.PositionOf(batch, 0),
            PrefixSize + nodeVector + sizeof(uint), PrefixSize + bufferVector + sizeof(uint));
    }

    /// <summary>Writes a footer, without its length.</summary>
    /// <param name="fields">The columns.</param>
    /// <param name="batches">The record batches.</param>
    public static byte[] WriteFooter(ImmutableArray<ArrowField> fields, IReadOnlyList<MessageBlock> batches)
    {
        var writer = new FlatBufferWriter();
        var footer = writer.Table(new(0, sizeof(short), V5), FlatField.Offset(1), FlatField.Offset(2), FlatField.Offset(3));
        writer.SetRoot(footer);
        writer.Link(footer, 1, WriteSchema(writer, fields));
        writer.Link(footer, 2, writer.Vector(0, BlockSize, sizeof(long)));
        var blocks = writer.Vector(batches.Count, BlockSize, sizeof(long));
        writer.Link(footer, 3, blocks);
        for (var i = 0; i < batches.Count; i++)
        {
            var at = blocks + sizeof(uint) + i * BlockSize;
            writer.Put(at, sizeof(long), batches[i].Offset);
            writer.Put(at + sizeof(long), sizeof(int), batches[i].MetadataLength);
            writer.Put(at + 2 * sizeof(long), sizeof(long), batches[i].BodyLength);
        }
        return writer.Bytes.ToArray();
    }

    private static int WriteMessage(FlatBufferWriter writer, MessageKind kind)
    {
        var message = writer.Table(new(0, sizeof(short), V5), new(1, 1, (byte)kind), FlatField.Offset(2), new(3, sizeof(long)));
        writer.SetRoot(message);
        return message;
    }

    /// <summary>Puts length and padding around metadata.</summary>
    private static byte[] Frame(ReadOnlySpan<byte> metadata, int position)
    {
        var end = position + PrefixSize + metadata.Length + Alignment - 1 & -Alignment;
        var framed = new byte[end - position];
        BinaryPrimitives.WriteInt32LittleEndian(framed, -1);
        BinaryPrimitives.WriteInt32LittleEndian(framed.AsSpan(sizeof(int)), framed.Length - PrefixSize);
        metadata.CopyTo(framed.AsSpan(PrefixSize));
        return framed;
    }

    private static int WriteSchema(FlatBufferWriter writer, ImmutableArray<ArrowField> fields)
    {
        var schema = writer.Table(new(0, sizeof(short)), FlatField.Offset(1));
        writer.Link(schema, 1, WriteFields(writer, fields));
        return schema;
    }

    private static int WriteFields(FlatBufferWriter writer, ImmutableArray<ArrowField> fields)
    {
        var vector = writer.Vector(fields.Length, sizeof(uint), sizeof(uint));
        for (var i = 0; i < fields.Length; i++)
            writer.LinkElement(vector, i, WriteField(writer, fields[i]));
        return vector;
    }

    private static int WriteField(FlatBufferWriter writer, ArrowField field)
    {
        FlatField[] extension = field.Extension is null ? [] : [FlatField.Offset(6)];
        var table = writer.Table([FlatField.Offset(0), new(1, 1, field.Nullable ? 1 : 0), new(2, 1, (byte)field.Type.Id), FlatField.Offset(3),
            FlatField.Offset(5), .. extension]);
        writer.Link(table, 0, writer.String(field.Name));
        writer.Link(table, 3, WriteType(writer, field.Type));
        writer.Link(table, 5, WriteFields(writer, field.Children));
        if (field.Extension is not null)
        {
            var pairs = writer.Vector(2, sizeof(uint), sizeof(uint));
            writer.Link(table, 6, pairs);
            writer.LinkElement(pairs, 0, WritePair(writer, "ARROW:extension:name", field.Extension));
            writer.LinkElement(pairs, 1, WritePair(writer, "ARROW:extension:metadata", ""));
        }
        return table;
    }

    private static int WritePair(FlatBufferWriter writer, string key, string value)
    {
        var pair = writer.Table(FlatField.Offset(0), FlatField.Offset(1));
        writer.Link(pair, 0, writer.String(key));
        writer.Link(pair, 1, writer.String(value));
        return pair;
    }

    private static int WriteType(FlatBufferWriter writer, ArrowType type)
    {
        switch (type.Id)
        {
            case ArrowTypeId.Int:
                return writer.Table(new(0, sizeof(int), type.BitWidth), new(1, 1, type.IsSigned ? 1 : 0));
            case ArrowTypeId.FloatingPoint or ArrowTypeId.Date:
                return writer.Table(new FlatField(0, sizeof(short), type.Unit));
            case ArrowTypeId.Decimal:
                return writer.Table(new(0, sizeof(int), type.Precision), new(1, sizeof(int), type.Scale), new(2, sizeof(int), type.BitWidth));
            case ArrowTypeId.Time:
                return writer.Table(new(0, sizeof(short), type.Unit), new(1, sizeof(int), type.BitWidth));
            case ArrowTypeId.Timestamp when type.Zone is not null:
                var timestamp = writer.Table(new(0, sizeof(short), type.Unit), FlatField.Offset(1));
                writer.Link(timestamp, 1, writer.String(type.Zone));
                return timestamp;
            case ArrowTypeId.Timestamp:
                return writer.Table(new FlatField(0, sizeof(short), type.Unit));
            case ArrowTypeId.FixedSizeBinary:
                return writer.Table(new FlatField(0, sizeof(int), type.Size));
            case ArrowTypeId.Map:
                return writer.Table(new FlatField(0, 1));
            default:
                return writer.Table();
        }
    }
}

/// <summary>The message of a record batch, of which only numbers change from batch to batch.</summary>
/// <param name="Bytes">The message up to its body.</param>
/// <param name="BodyLengthAt">Where the length of the body goes.</param>
/// <param name="RowsAt">Where the number of rows goes.</param>
/// <param name="NodesAt">Where the fields' lengths and null counts go.</param>
/// <param name="BuffersAt">Where the buffers' offsets and lengths go.</param>
internal sealed record BatchTemplate(byte[] Bytes, int BodyLengthAt, int RowsAt, int NodesAt, int BuffersAt);
