using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>What is written as Parquet, read back by programs that nobody here wrote, and by our own reader.</summary>
public sealed class ParquetPeersTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 20_260_401;
    private readonly BufferPool _pool = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-parquet-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory]
    [InlineData("duckdb")]
    [InlineData("hyparquet")]
    [InlineData("polars")]
    public void Write_EveryTypeStyleAndShareOfNulls_IsReadBackEqual(string program) =>
        Check(program, ParquetSamples.Types(_pool, SampleColumns.FlatTypes, 600, new Random(Seed)));

    [Theory]
    [InlineData("duckdb")]
    [InlineData("hyparquet")]
    [InlineData("polars")]
    public void Write_EveryNesting_IsReadBackEqual(string program) =>
        Check(program, ParquetSamples.Types(_pool, SampleColumns.NestedTypes, 400, new Random(Seed)));

    [Theory]
    [InlineData("duckdb")]
    [InlineData("hyparquet")]
    [InlineData("polars")]
    public void Write_EverySetting_IsReadBackEqual(string program) => Check(program, ParquetSamples.Settings(_pool, new Random(Seed)));

    [Theory]
    [InlineData("duckdb")]
    [InlineData("hyparquet")]
    [InlineData("polars")]
    public void Write_Edges_AreReadBackEqual(string program) => Check(program, ParquetSamples.Edges(_pool, new Random(Seed)));

    [Fact]
    public void Write_Everything_IsReadBackEqualByOurReader()
    {
        var random = new Random(Seed);
        foreach (var samples in new[]
        {
            ParquetSamples.Types(_pool, SampleColumns.FlatTypes, 2_500, random), ParquetSamples.Types(_pool, SampleColumns.NestedTypes, 400, random),
            ParquetSamples.Settings(_pool, random), ParquetSamples.Edges(_pool, random),
        })
            foreach (var sample in samples)
                using (sample)
                    Compare(sample.Name, sample.Rows(), ContainerFixtures.Read(new ParquetFormat(), sample.Write(_pool), sample.Name).Lines);
    }

    private void Check(string program, IEnumerable<ParquetSample> samples)
    {
        if (!Peers.AreInstalled(output))
            return;
        output.WriteLine($"seed {Seed}");
        var expected = new Dictionary<string, List<string>>();
        foreach (var sample in samples)
            using (sample)
            {
                if (!CanShow(program, sample))
                    continue;
                var path = Path.Combine(_folder, sample.Name + ".parquet");
                File.WriteAllBytes(path, sample.Write(_pool));
                expected[path] = sample.Rows();
            }
        var contents = Peers.Read(program, expected.Keys);
        var wrong = new List<string>();
        foreach (var (path, rows) in expected)
            try
            {
                Assert.True(contents[path].Error is null, contents[path].Error);
                Compare(Path.GetFileName(path), rows, contents[path].Rows);
            }
            catch (Xunit.Sdk.XunitException e)
            {
                wrong.Add($"{Path.GetFileName(path)}: {e.Message}");
            }
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    /// <summary>What a program cannot show, as tests/peers/README.md says.</summary>
    private static bool CanShow(string program, ParquetSample sample)
    {
        var type = sample.Schema.Fields[0].Type;
        return program switch
        {
            "duckdb" => type is not { Kind: TypeKind.Timestamp, Unit: TimeUnit.Nanosecond, Zone: not null }
                and not { Kind: TypeKind.Time, Unit: TimeUnit.Nanosecond },
            "polars" => type is not { Kind: TypeKind.Time, Unit: TimeUnit.Microsecond } and not { Kind: TypeKind.Binary or TypeKind.Uuid or TypeKind.Json }
                && !HasStructInList(type),
            _ => true,
        };
    }

    private static bool HasStructInList(DataType type) => type.Kind switch
    {
        TypeKind.List => type.Fields[0].Type is var element && (element.Kind == TypeKind.Struct || HasStructInList(element)),
        TypeKind.Struct => type.Fields.Any(static field => field.Type.IsNested),
        TypeKind.Map => true,
        _ => false,
    };

    private static void Compare(string name, List<string> expected, IReadOnlyList<string> actual)
    {
        for (var i = 0; i < Math.Min(expected.Count, actual.Count); i++)
            if (expected[i] != actual[i])
            {
                var at = expected[i].AsSpan().CommonPrefixLength(actual[i]);
                Assert.Fail($"{name}, row {i}:\n  expected {Cut(expected[i], at)}\n  was      {Cut(actual[i], at)}");
            }
        Assert.Equal(expected.Count, actual.Count);
    }

    private static string Cut(string row, int at) => row[Math.Max(0, at - 60)..Math.Min(row.Length, at + 60)];
}
