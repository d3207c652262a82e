using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Formats.Orc;

public sealed class OrcRoundTripTests(ITestOutputHelper output) : IDisposable
{
    private readonly BufferPool _pool = new();

    public static TheoryData<string, int, double> Shapes
    {
        get
        {
            var data = new TheoryData<string, int, double>();
            foreach (var codec in (string[])["none", "zstd", "deflate", "snappy", "lz4"])
                foreach (var (rows, nulls) in (ReadOnlySpan<(int, double)>)[(1, 0), (1, 1), (17, 0.3), (2500, 0), (2500, 0.1), (2500, 0.9), (2500, 1)])
                    data.Add(codec, rows, nulls);
            return data;
        }
    }

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Write_EveryType_ReadsBackEqual(string codec, int rows, double nulls)
    {
        var seed = HashCode.Combine(rows, nulls) ^ codec.Length;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var schema = new Schema(OrcRandomColumns.Types.Select(static (type, i) => new Field($"c{i}", type)));
        // what a codec is given matters less than what is encoded
        for (var style = codec == "none" ? 0 : 6; style < 8; style++)
        {
            using var first = OrcRandomColumns.Batch(_pool, schema, rows, nulls, random, style);
            using var second = OrcRandomColumns.Batch(_pool, schema, Math.Max(rows / 3, 1), nulls, random);
            var bytes = OrcTestFile.Write(_pool, schema, [first, second], ("compression", codec), ("row_index_stride", "1000"));
            foreach (var blockSize in (ReadOnlySpan<int>)[1 << 10, 1 << 20])
            {
                var read = OrcTestFile.Read(_pool, bytes, blockSize);
                Assert.Equal(OrcTestFile.Render(first).Concat(OrcTestFile.Render(second)), read.Rows);
                if (rows > 1000 && nulls < 0.5 && blockSize == 1 << 10 && codec == "none")
                    Assert.True(read.Blocks > 2, $"{read.Blocks} blocks");
            }
        }
    }
}
