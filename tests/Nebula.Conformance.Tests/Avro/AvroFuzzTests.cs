using System.Diagnostics;
using System.Globalization;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Avro;

public sealed class AvroFuzzTests(ITestOutputHelper output)
{
    private const int LargestSeed = 64 << 10;
    private const long MostMemory = 512 << 20;

    [Fact]
    public void Read_ChangedFiles_EndInRowsOrAClearError()
    {
        if (!SharedFixtures.TryFind("avro", output, out var folder))
            return;
        var files = Directory.EnumerateFiles(folder, "*.avro", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(folder + "-bad", "*.avro*", SearchOption.AllDirectories))
            .Where(static path => new FileInfo(path).Length is > 0 and < LargestSeed).Order().Select(File.ReadAllBytes).ToArray();
        var seconds = double.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SEED") ?? "20240607", CultureInfo.InvariantCulture);
        output.WriteLine($"seed {seed}, {files.Length} files");
        var random = new Random(seed);
        var (tries, read, clock) = (0, 0, Stopwatch.StartNew());
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            var file = Mutate(files[random.Next(files.Length)], random);
            tries++;
            try
            {
                read += Read(file, random.Next(2) == 0 ? 300 : 1 << 20) ? 1 : 0;
            }
            catch (Exception e)
            {
                var path = Path.Combine(Path.GetTempPath(), $"avro-fuzz-{seed}-{tries}.avro");
                File.WriteAllBytes(path, file);
                Assert.Fail($"{path}: {e}");
            }
        }
        output.WriteLine($"{tries} tries, {read} read to the end");
    }

    private static bool Read(byte[] bytes, int blockSize)
    {
        using var pool = new BufferPool();
        try
        {
            using var file = new AvroFormat().Open(new MemoryBytes("fuzz", bytes), new OptionValues("avro", new AvroFormat().ReadOptions, []), pool);
            using var reader = file.OpenReader([.. Enumerable.Range(0, file.Schema.Fields.Length)], 0, null,
                new ReadContext(pool, blockSize) { MaxRecordSize = 64 << 20 });
            var sink = new Sink();
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            _ = file.Inspect();
            return true;
        }
        catch (NebulaException)
        {
            return false;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.InRange(pool.PeakBytes, 0, MostMemory);
        }
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        var bytes = file.ToList();
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            // most of a small file is its schema; the data deserves as much attention
            var at = random.Next(2) == 0 ? random.Next(bytes.Count) : bytes.Count - 1 - random.Next(Math.Max(1, bytes.Count / 3));
            var count = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 2:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 3:
                    bytes.RemoveRange(at, count);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count - count + 1), count));
                    break;
                default:
                    bytes.InsertRange(at, Enumerable.Repeat((byte)0xFF, random.Next(10)));
                    break;
            }
        }
        return [.. bytes];
    }

    private sealed class Sink : IDecodeSink
    {
        public void Add(RecordBatch batch)
        {
            using (batch)
                foreach (var column in batch.Columns)
                    Assert.Equal(batch.Length, column.Length);
        }

        public void Reject(RejectedRow row) => throw new InvalidOperationException(row.Reason);

        public void Lines(long count)
        {
        }
    }
}
