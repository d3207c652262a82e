using System.Diagnostics;
using System.Globalization;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Orc;

/// <summary>Whatever the bytes are: rows, or an error that Nebula understands. No other exception, no endless loop, no buffer left out, no memory out of
/// proportion.</summary>
public sealed class OrcFuzzTests(ITestOutputHelper output)
{
    private const int LargestSeed = 64 << 10;
    private const long MostMemory = 768L << 20;

    [Fact]
    public void Read_MutatedFiles_EndsInOrder()
    {
        if (!SharedFixtures.TryFind("orc", output, out _))
            return;
        var seconds = double.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SEED") ?? "20240607", CultureInfo.InvariantCulture);
        var random = new Random(seed);
        var files = ContainerFixtures.Units("orc").Concat(ContainerFixtures.Units("orc-bad")).Where(static unit =>
            new FileInfo(unit.Path).Length is > 0 and <= LargestSeed)
            .Select(static unit => File.ReadAllBytes(unit.Path)).ToArray();
        var watch = Stopwatch.StartNew();
        int rounds = 0, read = 0;
        for (; watch.Elapsed.TotalSeconds < seconds; rounds++)
        {
            var bytes = Mutate(random, files);
            try
            {
                read += EndsInOrder(bytes, random) ? 1 : 0;
            }
            catch
            {
                output.WriteLine($"seed {seed}, round {rounds}: {Convert.ToBase64String(bytes)}");
                throw;
            }
        }
        output.WriteLine($"seed {seed}: {rounds} files, {read} read");
    }

    private static bool EndsInOrder(byte[] bytes, Random random)
    {
        using var pool = new BufferPool();
        try
        {
            var format = new OrcFormat();
            using var file = format.Open(new MemoryBytes("fuzz.orc", bytes), new OptionValues("orc", format.ReadOptions, []), pool);
            var columns = Enumerable.Range(0, file.Schema.Fields.Length).Where(_ => random.Next(4) > 0).ToArray();
            var context = new ReadContext(pool, random.Next(2) == 0 ? 1 << 10 : 1 << 20) { MaxRecordSize = 4 << 20 };
            using var reader = file.OpenReader([.. columns], 0, null, context);
            var sink = new CountingSink();
            while (sink.Rows < 2_000_000 && reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            if (random.Next(8) == 0)
                file.Inspect();
            return true;
        }
        catch (NebulaException e)
        {
            Assert.False(string.IsNullOrWhiteSpace(e.Reason));
            return false;
        }
        catch (RowLimitException)
        {
            return true;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.InRange(pool.PeakBytes, 0, MostMemory);
        }
    }

    private static byte[] Mutate(Random random, byte[][] files)
    {
        var bytes = (byte[])files[random.Next(files.Length)].Clone();
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            // the tail steers everything else, so it is hit more often
            var at = random.Next(2) == 0 ? random.Next(bytes.Length) : Math.Max(0, bytes.Length - 1 - random.Next(400));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 3:
                    bytes[at] += (byte)random.Next(-2, 3);
                    break;
                case 4:
                    var length = Math.Min(random.Next(1, 32), bytes.Length - at);
                    var from = random.Next(bytes.Length - length + 1);
                    Array.Copy(bytes, from, bytes, at, length);
                    break;
                default:
                    if (random.Next(8) == 0 && bytes.Length > 16)
                        bytes = [.. bytes[..at], .. bytes[Math.Min(at + random.Next(1, 16), bytes.Length)..]];
                    if (bytes.Length == 0)
                        bytes = [0];
                    break;
            }
        }
        return bytes;
    }

    private sealed class RowLimitException : Exception;

    private sealed class CountingSink : IDecodeSink
    {
        public long Rows { get; private set; }

        public void Add(RecordBatch batch)
        {
            using (batch)
                Rows += batch.Length;
            if (Rows >= 2_000_000)
                throw new RowLimitException();
        }

        public void Reject(RejectedRow row) => throw new InvalidOperationException("ORC has no rows to reject.");

        public void Lines(long count)
        {
        }
    }
}
