using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Avro;

/// <summary>Files read as another schema (Avro specification, "Schema Resolution").</summary>
public sealed class AvroResolutionTests : IDisposable
{
    private const string Written = """
        {"type":"record","name":"old","fields":[
          {"name":"id","type":"int"},{"name":"name","type":"string"},{"name":"size","type":["null","float"]},
          {"name":"kind","type":{"type":"enum","name":"k","symbols":["A","B","C"]}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
          {"name":"tags","type":{"type":"array","items":"int"}},{"name":"gone","type":{"type":"record","name":"g","fields":[{"name":"x","type":"bytes"}]}}]}
        """;

    private readonly string _schema = Path.Combine(Path.GetTempPath(), $"nebula-{Guid.NewGuid():N}.avsc");

    [Fact]
    public void Read_FieldsMovedRenamedWidenedAddedAndLeftOut_AreResolved()
    {
        var read = """
            {"type":"record","name":"new","fields":[
              {"name":"added","type":{"type":"record","name":"inner","fields":[{"name":"n","type":"long","default":7},{"name":"list","type":{"type":"array","items":"string"}}]},
               "default":{"list":["p","q"]}},
              {"name":"kind","type":{"type":"enum","name":"k","symbols":["C","A","other"],"default":"other"}},
              {"name":"size","type":["double","null"]},
              {"name":"label","aliases":["name"],"type":"bytes"},
              {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
              {"name":"id","type":["null","long"]},
              {"name":"tags","type":{"type":"array","items":"double"}},
              {"name":"note","type":["null","string"],"default":null}]}
            """;
        var (batch, pool) = Read(read, Row(1, "one", 0.5f, 1, 1000, 3), Row(2, "two", null, 2, -1));
        Assert.Equal(["added", "kind", "size", "label", "at", "id", "tags", "note"], batch.Schema.Fields.Select(static field => field.Name));
        Assert.Equal([7, 7], batch.Columns[0].Children[0].Values<long>().ToArray());
        Assert.Equal(["p", "q", "p", "q"], Texts(batch.Columns[0].Children[1].Children[0]));
        Assert.Equal(["other", "C"], Texts(batch.Columns[1]));
        Assert.Equal(0.5, batch.Columns[2].Values<double>()[0]);
        Assert.True(batch.Columns[2].IsNull(1));
        Assert.Equal(DataType.Binary, batch.Columns[3].Type);
        Assert.Equal(["one", "two"], Texts(batch.Columns[3]));
        Assert.Equal([1_000_000, -1000], batch.Columns[4].Values<long>().ToArray());
        Assert.Equal([1, 2], batch.Columns[5].Values<long>().ToArray());
        Assert.Equal([3.0], batch.Columns[6].Children[0].Values<double>().ToArray());
        Assert.Equal(2, batch.Columns[7].NullCount);
        batch.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("""{"name":"id","type":"string"}""", "\"id\" was written as int, which cannot be read as string")]
    [InlineData("""{"name":"missing","type":"int"}""", "no field for column \"missing\"")]
    [InlineData("""{"name":"missing","type":"int","default":"x"}""", "no value of int")]
    [InlineData("""{"name":"missing","type":"string","default":"\ud800"}""", "no value of string")]
    [InlineData("""{"name":"at","type":{"type":"int","logicalType":"time-millis"}}""", "cannot be read as")]
    [InlineData("""{"name":"tags","type":{"type":"map","values":"int"}}""", "array of int")]
    [InlineData("""{"name":"gone","type":{"type":"record","name":"g","fields":[{"name":"x","type":"int"}]}}""", "\"gone.x\" was written as bytes")]
    public void Read_SchemaThatDoesNotFit_IsRefused(string field, string reason)
    {
        var error = Assert.Throws<DataFormatException>(() => Read($$"""{"type":"record","name":"new","fields":[{{field}}]}""", Row(1, "", 1f, 0, 0)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullWhereTheSchemaHasNone_IsAnErrorOfTheRecord()
    {
        const string Sizes = """{"type":"record","name":"new","fields":[{"name":"size","type":"float"}]}""";
        var (batch, _) = Read(Sizes, Row(1, "", 2f, 0, 0));
        Assert.Equal([2f], batch.Columns[0].Values<float>().ToArray());
        batch.Dispose();
        Assert.Contains("Record 2", Assert.Throws<DataFormatException>(() => Read(Sizes, Row(1, "", 2f, 0, 0), Row(1, "", null, 0, 0))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_UnknownSymbolWithoutDefault_IsAnError()
    {
        var error = Assert.Throws<DataFormatException>(() =>
            Read("""{"type":"record","name":"new","fields":[{"name":"kind","type":{"type":"enum","name":"k","symbols":["A"]}}]}""", Row(1, "", 2f, 1, 0)));
        Assert.Contains("the symbol 1", error.Message, StringComparison.Ordinal);
    }

    [FixtureFact]
    public void Read_FilesOfDifferentSchemas_GiveTheSameColumns()
    {
        const string Table = """
            {"type":"record","name":"a","fields":[{"name":"boolean1","type":"boolean","default":true},{"name":"int1","type":"int","default":1},{"name":"long1","type":"long","default":1},
            {"name":"float1","type":"float","default":1.0},{"name":"double1","type":"double","default":1.0},{"name":"string1","type":"string","default":"default string"}]}
            """;
        File.WriteAllText(_schema, Table);
        using var pool = new BufferPool();
        foreach (var (file, expected) in new[] { ("records1", "True 1 1 1 1 default string"), ("records2", "False 2 2 2 2 serialized string") })
        {
            using var batch = Assert.Single(AvroMemory.Read(pool, File.ReadAllBytes(Fixtures.PathOf($"avro/impala-resolution/{file}.avro")),
                schemaPath: _schema));
            var c = batch.Columns;
            Assert.Equal(expected, $"{Bitmap.Get(c[0].Bits, 0)} {c[1].Values<int>()[0]} {c[2].Values<long>()[0]} {c[3].Values<float>()[0]} "
                + $"{c[4].Values<double>()[0]} {Texts(c[5])[0]}");
        }
    }

    public void Dispose() => File.Delete(_schema);

    private (RecordBatch Batch, BufferPool Pool) Read(string schema, params AvroBytes[] rows)
    {
        File.WriteAllText(_schema, schema);
        var data = new AvroBytes();
        foreach (var row in rows)
            data.Raw(row.ToArray());
        var pool = new BufferPool();
        return (Assert.Single(AvroMemory.Read(pool, AvroBytes.File(Written).Block(rows.Length, data).ToArray(), schemaPath: _schema)), pool);
    }

    private static AvroBytes Row(int id, string name, float? size, int kind, long at, params int[] tags)
    {
        var row = new AvroBytes().Long(id).Text(name);
        row = size is { } number ? row.Long(1).Raw(BitConverter.GetBytes(number)) : row.Long(0);
        row.Long(kind).Long(at);
        if (tags.Length > 0)
            row.Long(tags.Length);
        foreach (var tag in tags)
            row.Long(tag);
        return row.Long(0).Sized(1, 2, 3);
    }

    private static string[] Texts(Column column) => [.. Enumerable.Range(0, column.Length).Select(i => Encoding.UTF8.GetString(column.GetBytes(i)))];
}
