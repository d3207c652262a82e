using System.Buffers;
using System.Buffers.Binary;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Writing;

namespace Nebula.Engine.Tests.Formats.Arrow;

/// <summary>Assembles streams of what Nebula itself does not write, or what is wrong with them: one nullable column of any type, given as its
/// buffers.</summary>
internal sealed class ArrowStreamBuilder
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public byte[] Bytes => _bytes.WrittenSpan.ToArray();

    /// <summary>Writes a schema with one column.</summary>
    /// <param name="type">Number of its type in the union <c>Type</c>.</param>
    /// <param name="fields">Fields of its type.</param>
    /// <param name="indexBits">Bits of positions in dictionary 7; 0 for a column without dictionary.</param>
    /// <param name="nullable">Whether it may be null.</param>
    public ArrowStreamBuilder Schema(ArrowTypeId type, FlatField[] fields, int indexBits = 0, bool nullable = true)
    {
        var writer = new FlatBufferWriter();
        var message = Message(writer, MessageKind.Schema, 0);
        var schema = writer.Table(new(0, 2), FlatField.Offset(1));
        writer.Link(message, 2, schema);
        var vector = writer.Vector(1, 4, 4);
        writer.Link(schema, 1, vector);
        FlatField[] dictionary = indexBits == 0 ? [] : [FlatField.Offset(4)];
        var field = writer.Table([FlatField.Offset(0), new(1, 1, nullable ? 1 : 0), new(2, 1, (byte)type), FlatField.Offset(3), .. dictionary]);
        writer.LinkElement(vector, 0, field);
        writer.Link(field, 0, writer.String("c"));
        writer.Link(field, 3, writer.Table(fields));
        if (indexBits != 0)
        {
            var encoding = writer.Table(new(0, 8, 7), FlatField.Offset(1));
            writer.Link(field, 4, encoding);
            writer.Link(encoding, 1, writer.Table(new(0, 4, indexBits), new(1, 1, 1)));
        }
        Write(writer, []);
        return this;
    }

    /// <summary>Writes a record batch.</summary>
    public ArrowStreamBuilder Batch(long rows, long nulls, params byte[][] buffers)
    {
        var writer = new FlatBufferWriter();
        var message = Message(writer, MessageKind.RecordBatch, buffers.Sum(static buffer => Padded(buffer.Length)));
        writer.Link(message, 2, Batch(writer, rows, nulls, buffers));
        Write(writer, buffers);
        return this;
    }

    /// <summary>Writes entries of dictionary 7.</summary>
    public ArrowStreamBuilder Dictionary(bool isDelta, params string[] entries)
    {
        var text = entries.Select(System.Text.Encoding.UTF8.GetBytes).ToArray();
        var offsets = new byte[4 * (entries.Length + 1)];
        for (var i = 0; i < entries.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(offsets.AsSpan(4 * i + 4), text.Take(i + 1).Sum(static entry => entry.Length));
        byte[][] buffers = [[], offsets, [.. text.SelectMany(static entry => entry)]];
        var writer = new FlatBufferWriter();
        var message = Message(writer, MessageKind.DictionaryBatch, buffers.Sum(static buffer => Padded(buffer.Length)));
        var dictionary = writer.Table(new(0, 8, 7), FlatField.Offset(1), new(2, 1, isDelta ? 1 : 0));
        writer.Link(message, 2, dictionary);
        writer.Link(dictionary, 1, Batch(writer, entries.Length, 0, buffers));
        Write(writer, buffers);
        return this;
    }

    private static int Message(FlatBufferWriter writer, MessageKind kind, long bodyLength)
    {
        var message = writer.Table(new(0, 2, 4), new(1, 1, (byte)kind), FlatField.Offset(2), new(3, 8, bodyLength));
        writer.SetRoot(message);
        return message;
    }

    private static int Batch(FlatBufferWriter writer, long rows, long nulls, byte[][] buffers)
    {
        var batch = writer.Table(new(0, 8, rows), FlatField.Offset(1), FlatField.Offset(2));
        var nodes = writer.Vector(1, 16, 8);
        writer.Link(batch, 1, nodes);
        writer.Put(nodes + 4, 8, rows);
        writer.Put(nodes + 12, 8, nulls);
        var vector = writer.Vector(buffers.Length, 16, 8);
        writer.Link(batch, 2, vector);
        var offset = 0;
        for (var i = 0; i < buffers.Length; i++)
        {
            writer.Put(vector + 4 + 16 * i, 8, offset);
            writer.Put(vector + 12 + 16 * i, 8, buffers[i].Length);
            offset += Padded(buffers[i].Length);
        }
        return batch;
    }

    private void Write(FlatBufferWriter writer, byte[][] buffers)
    {
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(prefix, -1);
        BinaryPrimitives.WriteInt32LittleEndian(prefix[4..], Padded(writer.Bytes.Length));
        _bytes.Write(prefix);
        Pad(writer.Bytes);
        foreach (var buffer in buffers)
            Pad(buffer);
    }

    private void Pad(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        _bytes.Write(new byte[Padded(bytes.Length) - bytes.Length]);
    }

    private static int Padded(int length) => length + 7 & -8;
}
