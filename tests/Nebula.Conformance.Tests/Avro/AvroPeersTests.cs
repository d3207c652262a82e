using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Avro;

/// <summary>
/// What is written as Avro, read back by programs that nobody here wrote. That our own reader gives back what was written is tested elsewhere; here it says
/// what is expected.
/// </summary>
public sealed class AvroPeersTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 20_260_402;
    private const int Rows = 300;
    private readonly BufferPool _pool = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-avro-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory]
    [InlineData("avsc")]
    [InlineData("polars")]
    public void Write_EveryTypeStyleNullsAndCodec_IsReadBackEqual(string program)
    {
        if (!Peers.AreInstalled(output))
            return;
        output.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var expected = new Dictionary<string, List<string>>();
        var codecs = new AvroFormat().OwnCodecs!;
        foreach (var type in SampleColumns.FlatTypes.Concat(SampleColumns.NestedTypes).Where(type => new AvroFormat().Map(type).Fidelity <= Fidelity.Widened
            && CanShow(program, type)))
            foreach (var (style, nulls) in StylesOf(type))
                foreach (var isNullable in nulls == 0 ? new[] { true, false } : [true])
                {
                    var codec = codecs[expected.Count % codecs.Count];
                    // only null, deflate and snappy are known to every program
                    if (program == "polars" && codec == "zstd")
                        codec = "none";
                    var path = Path.Combine(_folder, $"{expected.Count:000}-{type.Kind}-{style}-{codec}.avro");
                    var schema = new Schema([new Field("id", DataType.Int64, nullable: false), new Field("value", type, isNullable),
                        new Field("last", DataType.String)]);
                    using var batch = new RecordBatch(schema,
                    [
                        SampleColumns.Create(_pool, DataType.Int64, Rows, 0, SampleStyle.Rising, random),
                            SampleColumns.Create(_pool, type, Rows, nulls, style, random),
                        SampleColumns.Create(_pool, DataType.String, Rows, 0.5, SampleStyle.Few, random),
                    ], Rows);
                    var file = Write(schema, codec, batch);
                    File.WriteAllBytes(path, file);
                    expected[path] = ContainerFixtures.Read(new AvroFormat(), file, path).Lines;
                }
        var contents = Peers.Read(program, expected.Keys);
        var wrong = new List<string>();
        foreach (var (path, lines) in expected)
            if (contents[path].Error is { } error)
                wrong.Add($"{Path.GetFileName(path)}: {error}");
            else if (Enumerable.Range(0, Rows).FirstOrDefault(i => i >= contents[path].Rows.Count || contents[path].Rows[i] != lines[i],
                -1) is >= 0 and var row)
                wrong.Add($"{Path.GetFileName(path)}, row {row}:\n  expected {lines[row]}\n  was      {contents[path].Rows.ElementAtOrDefault(row)}");
        output.WriteLine($"{expected.Count} files");
        Assert.True(expected.Count > 20);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private byte[] Write(Schema schema, string codec, RecordBatch batch)
    {
        var format = new AvroFormat();
        var options = new OptionValues("avro",
            [.. format.WriteOptions, new("compression", OptionKind.Choice, "") { Choices = format.OwnCodecs! },
                new("compression_level", OptionKind.Integer, "")],
            [new("compression", new OptionValue([codec], new SourceLocation("test"))),
                new("block_size", new OptionValue(["2KB"], new SourceLocation("test")))]);
        var encoder = format.CreateEncoder(schema, options, _pool);
        using var output = new Output();
        var frame = encoder.CreateFrame();
        frame.Begin(output);
        using (var block = encoder.Encode(batch))
            frame.Add(block, output);
        frame.End(output);
        return output.ToArray();
    }

    /// <summary>JavaScript's maps have each key once, those that look like numbers first: the keys of a style that makes none of these.</summary>
    private static (SampleStyle Style, double Nulls)[] StylesOf(DataType type) => type.Kind == TypeKind.Map
        ? [(SampleStyle.Rising, 0), (SampleStyle.Rising, 0.2)]
        : [(SampleStyle.Extremes, 0), (SampleStyle.Random, 0.2), (SampleStyle.Rising, 1)];

    /// <summary>What a program cannot show, as tests/peers/README.md says; Polars does not know nanoseconds in Avro either.</summary>
    private static bool CanShow(string program, DataType type) => program != "polars"
        || !type.IsNested && type is not ({ Kind: TypeKind.Time or TypeKind.Binary or TypeKind.Uuid } or
        {
            Kind: TypeKind.Timestamp,
            Unit: TimeUnit.Nanosecond
        });

    private sealed class Output : MemoryStream, IFileOutput
    {
        void IFileOutput.Write(ReadOnlySpan<byte> bytes) => Write(bytes);

        public void Write(EncodedBlock block) => Write(block.Buffer.Content);
    }
}
