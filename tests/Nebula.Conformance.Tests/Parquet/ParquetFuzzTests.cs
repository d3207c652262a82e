using System.Diagnostics;
using System.Globalization;
using System.Text;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>Whatever the bytes are: rows, or an error that Nebula understands. No other exception, no endless loop, no buffer left out.</summary>
public sealed class ParquetFuzzTests(ITestOutputHelper output)
{
    private const int LargestSeed = 64 << 10;
    private const int MostRows = 2_000_000;
    private readonly ParquetFormat _format = new();

    [Fact]
    public void Read_MutatedFiles_EndsInOrder()
    {
        if (!SharedFixtures.TryFind("parquet", output, out _))
            return;
        var seconds = double.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SEED") ?? "1234567", CultureInfo.InvariantCulture);
        var random = new Random(seed);
        var seeds = new[] { "parquet", "parquet-variant", "parquet-bad", "max-nesting-depth" }.SelectMany(ContainerFixtures.Units)
            .Where(static unit => File.Exists(unit.Path) && new FileInfo(unit.Path).Length is > 0 and < LargestSeed
                && unit.Path.Contains(".par", StringComparison.Ordinal))
            .Select(static unit => (unit.Name, Bytes: File.ReadAllBytes(unit.Path))).ToList();
        var (rounds, refused) = (0, 0);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < seconds; rounds++)
        {
            var (name, original) = seeds[random.Next(seeds.Count)];
            var bytes = Mutate(original, random);
            var blockSize = random.Next(2) == 0 ? 64 : 256 << 10;
            try
            {
                refused += Read(bytes, blockSize) ? 0 : 1;
            }
            catch (Exception e)
            {
                var path = Path.Combine(Path.GetTempPath(), $"nebula-fuzz-{seed}-{rounds}.parquet");
                File.WriteAllBytes(path, bytes);
                throw new InvalidOperationException($"{name}, seed {seed}, round {rounds}, block size {blockSize}: kept as {path}", e);
            }
        }
        output.WriteLine($"seed {seed}: {rounds} files, {refused} refused");
        Assert.True(rounds > 0);
    }

    /// <summary>Changes bytes in place, so that most of the file still is where its footer says.</summary>
    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToArray();
        // half of the changes go to the footer and to what stands right before it
        var start = random.Next(2) == 0 ? 4 : Math.Max(4, bytes.Length - 2048);
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Length > 16; changes--)
        {
            var at = random.Next(start, bytes.Length - 8);
            bytes[at] = random.Next(4) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(bytes[at] ^ 1 << random.Next(8)),
                2 => (byte)(bytes[at] + random.Next(-2, 3)),
                _ => random.Next(2) == 0 ? (byte)0xFF : (byte)0x80,
            };
        }
        return bytes;
    }

    private bool Read(byte[] bytes, int blockSize)
    {
        using var pool = new BufferPool();
        try
        {
            using var file = _format.Open(new MemoryBytes("fuzz", bytes), new OptionValues("parquet", _format.ReadOptions, []), pool);
            file.Inspect();
            using var reader = file.OpenReader([.. Enumerable.Range(0, file.Schema.Fields.Length)], 0, null,
                new ReadContext(pool, blockSize) { MaxRecordSize = 32 << 20 });
            var sink = new Sink();
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            return true;
        }
        catch (NebulaException e)
        {
            Assert.False(string.IsNullOrWhiteSpace(e.Reason));
            return false;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.InRange(pool.PeakBytes, 0, 512 << 20);
        }
    }

    private sealed class Sink : IDecodeSink
    {
        private readonly StringBuilder _text = new();
        private long _rows;

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                _rows += batch.Length;
                if (_rows > MostRows)
                    throw new DataFormatException("the test has seen enough rows");
                for (var row = 0; row < batch.Length; row += Math.Max(1, batch.Length / 50))
                    FixtureRows.Render(_text.Clear(), batch.Schema, batch.Columns, row);
            }
        }

        public void Reject(RejectedRow row) => throw new DataFormatException(row.Reason, row.Location);

        public void Lines(long count)
        {
        }
    }
}
