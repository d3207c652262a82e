using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Formats.Orc;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Formats.Parquet.Reading;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Orc;

namespace Nebula.Engine.Tests.Formats;

/// <summary>Types nested deeper than anybody nests them: written and read back, or refused by writer or reader, and never the end of the stack.</summary>
public sealed class NestingDepthTests
{
    public static TheoryData<string, int> Depths
    {
        get
        {
            var depths = new TheoryData<string, int>();
            foreach (var format in (string[])["parquet", "avro", "orc", "arrow"])
                foreach (var depth in (int[])[20, 60, 100, 127, 128, 129, 200, 255, 256, 257, 600, 3_000])
                    depths.Add(format, depth);
            return depths;
        }
    }

    [Theory]
    [MemberData(nameof(Depths))]
    public void WriteThenRead_NestedType_GivesTheSameRowsOrIsRefused(string name, int depth)
    {
        IContainerFormat format = name switch
        {
            "parquet" => new ParquetFormat(),
            "avro" => new AvroFormat(),
            "orc" => new OrcFormat(),
            _ => new ArrowFormat(),
        };
        var type = DataType.Int32;
        for (var i = 0; i < depth; i++)
            type = i % 2 == 0 ? DataType.List(type) : DataType.Struct(new Field("inner", type));
        var schema = new Schema([new Field("deep", type)]);
        using var pool = new BufferPool();
        NebulaException? refusal = null;
        byte[] file = [];
        try
        {
            file = Write(format, schema, pool);
            using var opened = format.Open(new TestBytes(file), new OptionValues(name, format.ReadOptions, []), pool);
            Assert.Equal(3, opened.Rows ?? 3);
            Assert.Equal(type.Kind, opened.Schema.Fields[0].Type.Kind);
        }
        catch (NebulaException e)
        {
            refusal = e;
        }
        // what is written can be read
        Assert.True(refusal is null || file.Length == 0 && depth > 20, refusal?.Message);
        if (refusal is not null)
            Assert.Contains("nested", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(100_000, false)]
    public void ParquetSchema_NestedGroups_AreReadOrRefused(int depth, bool good)
    {
        var elements = ImmutableArray.CreateBuilder<SchemaElement>();
        elements.Add(new SchemaElement("root") { ChildCount = 1 });
        for (var i = 0; i < depth; i++)
            elements.Add(new SchemaElement("group") { Repetition = Repetition.Optional, ChildCount = 1 });
        elements.Add(new SchemaElement("leaf") { Repetition = Repetition.Required, Type = PhysicalType.Int32 });
        var read = () => SchemaTree.Build(elements.ToImmutable(), new ParquetReadOptions(), out _);
        if (good)
            Assert.Single(read());
        else
            Assert.Contains("nested", Assert.Throws<ParquetFault>(() => read()).Message, StringComparison.Ordinal);
    }

    private static byte[] Write(IContainerFormat format, Schema schema, BufferPool pool)
    {
        OptionDescriptor[] all = [new("compression", OptionKind.Text, "", "none"), new("compression_level", OptionKind.Integer, ""), .. format.WriteOptions];
        if (format.OwnCodecs is { } codecs && !codecs.Contains("none"))
            all[0] = new("compression", OptionKind.Text, "", codecs[0]);
        var encoder = format.CreateEncoder(schema, new OptionValues("test", all, []), pool);
        using var builder = new RecordBatchBuilder(pool, schema);
        for (var row = 0; row < 3; row++)
            builder.Columns[0].AppendNull();
        builder.Length = 3;
        using var batch = builder.Build();
        using var block = encoder.Encode(batch);
        using var output = MemoryOutput.Of(encoder, [block]);
        return output.Bytes;
    }
}
