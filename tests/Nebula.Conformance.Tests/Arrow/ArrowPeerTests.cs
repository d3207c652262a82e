using System.Collections.Immutable;
using System.Text;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Arrow;

/// <summary>What is written here is read by the JavaScript library of Arrow and by Polars.</summary>
public sealed class ArrowPeerTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 97;

    private static readonly ArrowFormat Format = new();

    // Polars shows all times in nanoseconds and binary only where it is UTF-8, and has no words for a list of structs that are null.
    private static readonly ImmutableArray<DataType> Plain =
    [
        DataType.Bool, DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
            DataType.Float32, DataType.Float64,
        DataType.Decimal(9, 2), DataType.Decimal(18, 4), DataType.Decimal(38, 9), DataType.Date, DataType.TimeNanoseconds, DataType.Timestamp(),
            DataType.Timestamp(TimeUnit.Nanosecond),
        DataType.Timestamp(TimeUnit.Microsecond, "UTC"), DataType.Timestamp(TimeUnit.Nanosecond, "Europe/Paris"), DataType.String,
            DataType.List(DataType.Int32), DataType.List(DataType.String),
        DataType.Struct(new Field("a", DataType.Int64), new Field("b", DataType.String)),
    ];

    private static readonly ImmutableArray<DataType> All =
    [
        .. Plain, DataType.Time, DataType.Binary, DataType.Json, DataType.Map(DataType.String, DataType.Float64),
            DataType.List(DataType.List(DataType.Decimal(38, 0))),
        DataType.List(DataType.Struct(new Field("x", DataType.Float32), new Field("y", DataType.Map(DataType.Int16, DataType.Bool)))),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-arrow").FullName;

    [Fact]
    public void Written_EveryType_IsReadByArrowJavaScript() => Compare("arrow", All, ".arrow", ".arrows");

    [Fact]
    public void Written_EveryType_IsReadByPolars() => Compare("polars", Plain, ".arrow", ".arrows");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Compare(string program, ImmutableArray<DataType> types, params string[] endings)
    {
        if (!Peers.AreInstalled(output))
            return;
        var expected = new Dictionary<string, List<string>>();
        var random = new Random(Seed);
        var schema = new Schema(types.Select(static (type, i) => new Field($"c{i}", type)));
        foreach (var ending in endings)
            foreach (var codec in (string[])["none", "lz4", "zstd"])
                foreach (var (nulls, rows) in ((double, int[])[])[(0, [1]), (0.3, [100, 1, 300]), (1, [20]), (0, []), (0.1, [3000])])
                {
                    var path = Path.Combine(_folder, $"{codec}-{nulls * 10}-{rows.Sum()}{ending}");
                    expected[path] = Write(path, schema, rows, nulls, random, ("compression", codec), ("layout", ending == ".arrows" ? "stream" : "file"));
                }
        foreach (var (path, content) in Peers.Read(program, [.. expected.Keys]))
        {
            Assert.True(content.Error is null, $"seed {Seed}, {path}: {content.Error}");
            Assert.True(expected[path].Count == content.Rows.Count, $"{path}: {content.Rows.Count} rows instead of {expected[path].Count}");
            for (var i = 0; i < expected[path].Count; i++)
                Assert.True(expected[path][i] == content.Rows[i],
                    $"seed {Seed}, {Path.GetFileName(path)}, row {i}\n  written {expected[path][i]}\n  read    {content.Rows[i]}");
        }
        output.WriteLine($"{expected.Count} files, {expected.Values.Sum(static rows => rows.Count)} rows");
    }

    private static List<string> Write(string path, Schema schema, int[] rows, double nulls, Random random, params ReadOnlySpan<(string Name,
        string Value)> options)
    {
        using var pool = new BufferPool();
        var lines = new List<string>();
        using (var stream = File.Create(path))
        {
            var encoder = Format.CreateEncoder(schema, Options(options), pool);
            var frame = encoder.CreateFrame();
            var file = new StreamOutput(stream);
            frame.Begin(file);
            foreach (var count in rows)
            {
                using var builder = new RecordBatchBuilder(pool, schema);
                for (var row = 0; row < count; row++)
                    foreach (var column in builder.Columns)
                        Append(column, row, nulls, random);
                builder.Length = count;
                using var batch = builder.Build();
                for (var row = 0; row < count; row++)
                {
                    var text = new StringBuilder();
                    FixtureRows.Render(text, schema, batch.Columns, row);
                    lines.Add(text.ToString());
                }
                using var block = encoder.Encode(batch);
                frame.Add(block, file);
            }
            frame.End(file);
        }
        Assert.Equal(0, pool.Outstanding);
        return lines;
    }

    private static OptionValues Options(ReadOnlySpan<(string Name, string Value)> options)
    {
        var values = new List<KeyValuePair<string, OptionValue>>();
        foreach (var (name, value) in options)
            values.Add(new(name, new OptionValue([value], new SourceLocation("test"))));
        return new OptionValues("destination \"arrow\"", [new("compression", OptionKind.Choice, "", "none") { Choices = Format.OwnCodecs! },
            new("compression_level", OptionKind.Integer, ""), .. Format.WriteOptions], values);
    }

    private static void Append(ColumnBuilder builder, int row, double nulls, Random random)
    {
        if (random.NextDouble() < nulls)
        {
            builder.AppendNull();
            return;
        }
        var type = builder.Type;
        switch (type.Kind)
        {
            case TypeKind.Bool:
                builder.AppendBool(random.Next(2) == 0);
                break;
            case TypeKind.Float32:
                builder.Append(random.Next(5) switch { 0 => float.NaN, 1 => -0.0f, 2 => float.MaxValue, _ => random.NextSingle() });
                break;
            case TypeKind.Float64:
                builder.Append(random.Next(6) switch
                {
                    0 => double.NaN,
                    1 => -0.0,
                    2 => double.NegativeInfinity,
                    3 => double.Epsilon,
                    _ => random.NextDouble() * 1e6
                });
                break;
            case TypeKind.Decimal when type.ByteWidth == 16:
                var large = new Int128(random.Next(2) == 0 ? 0ul : 5_000_000_000_000_000_000, (ulong)random.NextInt64());
                builder.Append(row % 2 == 0 ? large : -large);
                break;
            case TypeKind.Decimal:
                builder.Append(random.NextInt64(-999_999_999, 1_000_000_000));
                break;
            case TypeKind.Date:
                builder.Append(row % 3 == 0 ? -719_162 : random.Next(-700_000, 2_932_896));
                break;
            case TypeKind.Time:
                builder.Append(random.NextInt64(86_400) * (type.Unit == TimeUnit.Nanosecond ? 1_000_000_000 : 1_000_000) + random.Next(1000));
                break;
            case TypeKind.Timestamp:
                builder.Append(type.Unit == TimeUnit.Nanosecond ? random.NextInt64(long.MinValue / 2, long.MaxValue / 2)
                    : random.NextInt64(-62_135_596_800_000_000, 253_402_300_799_999_999));
                break;
            case TypeKind.List or TypeKind.Map:
                for (var count = random.Next(4); count > 0; count--)
                    for (var i = 0; i < builder.Children.Length; i++)
                        Append(builder.Children[i], row, type.Fields[i].Nullable ? nulls : 0, random);
                builder.EndList();
                break;
            case TypeKind.Struct:
                foreach (var child in builder.Children)
                    Append(child, row, nulls, random);
                builder.EndStruct();
                break;
            case TypeKind.Binary:
                var bytes = new byte[random.Next(20)];
                random.NextBytes(bytes);
                builder.AppendBytes(bytes);
                break;
            case TypeKind.String or TypeKind.Json:
                builder.AppendBytes(Encoding.UTF8.GetBytes(random.Next(4) switch { 0 => "", 1 => "größer 矢 \"quoted\" \n", 2 => "🚀", _ => $"row {row}" }));
                break;
            default:
                var value = random.Next(4) switch { 0 => long.MinValue, 1 => -1, 2 => long.MaxValue, _ => random.NextInt64() };
                AppendInteger(builder, value);
                break;
        }
    }

    private static void AppendInteger(ColumnBuilder builder, long value)
    {
        switch (builder.ByteWidth)
        {
            case 1:
                builder.Append((byte)(value >> 56));
                break;
            case 2:
                builder.Append((short)(value >> 48));
                break;
            case 4:
                builder.Append((int)(value >> 32));
                break;
            default:
                builder.Append(value);
                break;
        }
    }

    private sealed class StreamOutput(Stream stream) : IFileOutput
    {
        public long Position => stream.Position;

        public void Write(ReadOnlySpan<byte> bytes) => stream.Write(bytes);

        public void Write(EncodedBlock block) => stream.Write(block.Buffer.Content);
    }
}
