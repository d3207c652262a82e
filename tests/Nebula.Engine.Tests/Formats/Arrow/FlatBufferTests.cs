using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Writing;

namespace Nebula.Engine.Tests.Formats.Arrow;

public sealed class FlatBufferTests
{
    [Fact]
    public void WriteThenRead_EveryKindOfField_GivesTheSame()
    {
        var bytes = Sample();
        var root = FlatTable.Root(bytes);
        Assert.Equal((byte)200, root.Byte(0));
        Assert.Equal(-2, root.Int16(1));
        Assert.Equal(int.MinValue, root.Int32(2));
        Assert.Equal(long.MaxValue, root.Int64(3));
        Assert.Equal("größer"u8, root.String(4, out var exists));
        Assert.True(exists);
        Assert.Equal(7, root.Table(5).Int32(1, absent: 7));
        Assert.Equal(3, root.Vector(6, 8).Count);
        Assert.Equal(1L, BitConverter.ToInt64(root.Vector(6, 8)[1]));
        Assert.Equal(0, root.Vector(7, 4).Count);
        Assert.False(root.Table(9).Exists);
        Assert.Equal(5, root.Byte(30, absent: 5));
    }

    [Fact]
    public void Write_EveryField_IsAligned()
    {
        var writer = new FlatBufferWriter();
        writer.String("x");
        var table = writer.Table(new(0, 1, 1), new(1, 8, 2), new(2, 2, 3), new(3, 4, 4));
        Assert.Equal(0, table % 4);
        Assert.Equal(0, writer.PositionOf(table, 1) % 8);
        Assert.Equal(0, writer.PositionOf(table, 2) % 2);
        Assert.Equal(0, writer.PositionOf(table, 3) % 4);
        Assert.Equal(0, (writer.Vector(2, 16, 8) + 4) % 8);
    }

    [Fact]
    public void Read_DamagedBuffers_EndsInAFault()
    {
        var sample = Sample();
        var random = new Random(11);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = (byte[])sample.Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Walk(FlatTable.Root(bytes.AsSpan(0, random.Next(bytes.Length + 1))));
            }
            catch (ArrowFault)
            {
                // what is damaged may be refused, in no other way
            }
        }
    }

    [Fact]
    public void Read_SchemaThatUnfoldsWithoutEnd_IsRefused()
    {
        var writer = new FlatBufferWriter();
        var schema = writer.Table(FlatField.Offset(1));
        writer.SetRoot(schema);
        var (owner, slot) = (schema, 1);
        // each level has one field, four times: 4^60 in all
        for (var level = 0; level < 60; level++)
        {
            var fields = writer.Vector(4, 4, 4);
            writer.Link(owner, slot, fields);
            var field = writer.Table(new(2, 1, (byte)ArrowTypeId.Struct), FlatField.Offset(3), FlatField.Offset(5));
            for (var i = 0; i < 4; i++)
                writer.LinkElement(fields, i, field);
            writer.Link(field, 3, writer.Table());
            (owner, slot) = (field, 5);
        }
        writer.Link(owner, slot, writer.Vector(0, 4, 4));
        var bytes = writer.Bytes.ToArray();
        var fault = Assert.Throws<ArrowFault>(() => new SchemaReader(bytes.Length).Read(FlatTable.Root(bytes)));
        Assert.Contains("more fields", fault.Message, StringComparison.Ordinal);
    }

    private static byte[] Sample()
    {
        var writer = new FlatBufferWriter();
        var root = writer.Table(new(0, 1, 200), new(1, 2, -2), new(2, 4, int.MinValue), new(3, 8, long.MaxValue), FlatField.Offset(4), FlatField.Offset(5),
            FlatField.Offset(6), FlatField.Offset(7));
        writer.SetRoot(root);
        writer.Link(root, 4, writer.String("größer"));
        writer.Link(root, 5, writer.Table(new FlatField(0, 4, 1)));
        var vector = writer.Vector(3, 8, 8);
        writer.Put(vector + 4 + 8, 8, 1);
        writer.Link(root, 6, vector);
        writer.Link(root, 7, writer.Vector(0, 4, 4));
        return writer.Bytes.ToArray();
    }

    private static void Walk(FlatTable table)
    {
        for (var id = 0; id < 10; id++)
            _ = (table.Byte(id), table.Int16(id), table.Int32(id), table.Int64(id));
        _ = table.String(4, out _).Length;
        _ = table.Table(5).Exists ? table.Table(5).Int64(0) : 0;
        var vector = table.Vector(6, 8);
        for (var i = 0; i < vector.Count; i++)
            _ = vector[i][7];
        var tables = table.Vector(7, 4);
        for (var i = 0; i < tables.Count; i++)
            _ = tables.Table(i).Int32(0);
    }
}
