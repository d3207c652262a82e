using System.Diagnostics;
using System.Globalization;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Arrow;

/// <summary>Files that nobody meant to write: they are read or refused, with bounded memory, and every buffer comes back.</summary>
public class ArrowFuzzTests(ITestOutputHelper output)
{
    private const int Seed = 20240905;
    private const long LargestPeak = 400L << 20;

    private static readonly ArrowFormat Format = new();

    [Fact]
    public void Read_MutatedFiles_EndsInOrder()
    {
        if (!SharedFixtures.TryFind("arrow", output, out _))
            return;
        var seconds = double.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture);
        var seeds = ContainerFixtures.Units("arrow").SelectMany(static unit => new[] { unit.Path, unit.Path + ".arrow_file", unit.Path + ".stream" })
            .Where(File.Exists).Select(File.ReadAllBytes).Where(static bytes => bytes.Length < 100_000).ToList();
        var random = new Random(Seed);
        var watch = Stopwatch.StartNew();
        var (rounds, read) = (0, 0);
        for (; watch.Elapsed.TotalSeconds < seconds; rounds++)
        {
            var bytes = Mutate(random, seeds[random.Next(seeds.Count)]);
            try
            {
                read += EndsInOrder(bytes, 1 << random.Next(8, 21), random) ? 1 : 0;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {rounds}: {e}\n{Convert.ToBase64String(bytes)}");
            }
        }
        output.WriteLine($"seed {Seed}: {rounds} files, {read} read");
    }

    [Fact]
    public void Read_EveryPrefix_EndsInOrder()
    {
        if (!SharedFixtures.TryFind("arrow", output, out var folder))
            return;
        foreach (var name in (string[])["cpp-21.0.0/generated_union.stream", "cpp-21.0.0/generated_nested_dictionary.arrow_file",
            "2.0.0-compression/generated_lz4.arrow_file", "feather/data-arrow_2.0.0_zstd.feather"])
        {
            var file = File.ReadAllBytes(Path.Combine(folder, name));
            var step = Math.Max(file.Length / 400, 1);
            for (var length = 0; length < file.Length; length += step)
                EndsInOrder(file[..length], 4096, new Random(length));
        }
    }

    private static bool EndsInOrder(byte[] bytes, int blockSize, Random random)
    {
        using var pool = new BufferPool();
        try
        {
            using var file = Format.Open(new MemoryBytes("fuzz", bytes), ColumnReading.NoOptions(Format), pool);
            var columns = Enumerable.Range(0, file.Schema.Fields.Length).Where(_ => random.Next(4) > 0);
            using var reader = file.OpenReader([.. columns], 0, null, new ReadContext(pool, blockSize) { MaxRecordSize = 16 << 20 });
            if (random.Next(4) == 0)
                file.Inspect();
            var sink = new Sink();
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            return true;
        }
        catch (NebulaException e)
        {
            Assert.NotNull(e.Location);
            return false;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.True(pool.PeakBytes < LargestPeak, $"{pool.PeakBytes} bytes were on loan at once");
        }
    }

    /// <summary>Changes bytes in place, mostly: what moves is refused too early to test much.</summary>
    private static byte[] Mutate(Random random, byte[] file)
    {
        var bytes = (byte[])file.Clone();
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.AsSpan(at, Math.Min(random.Next(1, 9), bytes.Length - at)).Fill(random.Next(2) == 0 ? (byte)0xFF : (byte)0);
                    break;
                case 3:
                    at &= ~7;
                    if (at + 8 <= bytes.Length)
                        BitConverter.TryWriteBytes(bytes.AsSpan(at), random.Next(3) switch
                        {
                            0 => random.NextInt64(),
                            1 => random.Next(),
                            _ => random.Next(-4, 300)
                        });
                    break;
                case 4:
                    var from = random.Next(bytes.Length);
                    var count = Math.Min(random.Next(1, 33), bytes.Length - Math.Max(at, from));
                    bytes.AsSpan(from, count).ToArray().CopyTo(bytes, at);
                    break;
                default:
                    bytes[at] = (byte)(bytes[at] + random.Next(-2, 3));
                    break;
            }
        }
        return random.Next(20) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    /// <summary>Looks at every value, as a writer would.</summary>
    private sealed class Sink : IDecodeSink
    {
        private const int RowsLookedAt = 200_000;

        private int _rows;

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                if ((_rows += batch.Length) > RowsLookedAt)
                    return;
                var text = new System.Text.StringBuilder();
                for (var row = 0; row < batch.Length; row++)
                {
                    FixtureRows.Render(text, batch.Schema, batch.Columns, row);
                    text.Clear();
                }
            }
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }
}
