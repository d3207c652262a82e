using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Formats.Parquet.Encodings;

namespace Nebula.Engine.Tests.Formats.Parquet;

public unsafe class EncodingWriterTests
{
    private const int Seed = 815;

    [Fact]
    public void RleBitPacked_RunsAndNoiseOfEveryWidth_IsReadBack()
    {
        var random = new Random(Seed);
        using var pool = new BufferPool();
        using var output = new GrowingBuffer(pool);
        for (var round = 0; round < 2_000; round++)
        {
            var width = random.Next(17);
            var values = new ushort[random.Next(1, 700)];
            for (var i = 0; i < values.Length;)
            {
                var value = (ushort)random.Next(1 << width);
                for (var run = random.Next(3) == 0 ? random.Next(1, 60) : 1; run > 0 && i < values.Length; run--)
                    values[i++] = value;
            }
            using var source = pool.Rent((values.Length + 8) * sizeof(ushort));
            values.CopyTo(source.As<ushort>());
            output.Truncate(0);
            RleBitPackedWriter.Write((ushort*)source.Pointer, values.Length, width, output);
            Assert.Equal(values.Select(static value => (uint)value), ReadBack(pool, output, width, values.Length));
        }
    }

    [Fact]
    public void RleBitPacked_BitsFromAnyStart_AreReadBack()
    {
        var random = new Random(Seed);
        using var pool = new BufferPool();
        using var output = new GrowingBuffer(pool);
        using var bits = pool.Rent(Bitmap.ByteCount(5_000));
        for (var round = 0; round < 300; round++)
        {
            for (var i = 0; i < 5_000;)
            {
                var value = random.Next(2) == 0;
                for (var run = random.Next(1, random.Next(2) == 0 ? 3 : 500); run > 0 && i < 5_000; run--)
                    Bitmap.Set(bits.Span, i++, value);
            }
            var start = random.Next(2_000);
            var count = random.Next(1, 3_000);
            output.Truncate(0);
            RleBitPackedWriter.WriteBits(bits.Span, start, count, output);
            Assert.Equal(Enumerable.Range(start, count).Select(i => Bitmap.Get(bits.Span, i) ? 1u : 0), ReadBack(pool, output, 1, count));
        }
    }

    [Fact]
    public void DeltaBinaryPacked_NumbersThatWrapAround_AreReadBack()
    {
        var random = new Random(Seed);
        using var pool = new BufferPool();
        using var output = new GrowingBuffer(pool);
        for (var round = 0; round < 500; round++)
        {
            var bits = random.Next(65);
            var values = new long[random.Next(1, 600)];
            for (var i = 0; i < values.Length; i++)
                values[i] = bits == 0 ? 7 : (random.NextInt64(long.MinValue, long.MaxValue) >> (64 - bits)) + (round % 2 == 0 ? 1_000L * i : 0);
            using var target = pool.Rent(values.Length * sizeof(long));

            output.Truncate(0);
            fixed (long* source = values)
                DeltaBinaryPackedWriter.Write(source, values.Length, output);
            var start = output.Reserve(0) - output.Length;
            new DeltaBinaryPackedReader(start, start + output.Length).Read((long*)target.Pointer, values.Length);
            Assert.Equal(values, target.As<long>()[..values.Length].ToArray());

            int[] narrow = [.. values.Select(static value => (int)value)];
            output.Truncate(0);
            fixed (int* source = narrow)
                DeltaBinaryPackedWriter.Write(source, narrow.Length, output);
            start = output.Reserve(0) - output.Length;
            new DeltaBinaryPackedReader(start, start + output.Length).Read((int*)target.Pointer, narrow.Length);
            Assert.Equal(narrow, target.As<int>()[..narrow.Length].ToArray());
        }
    }

    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("as", 0x1C330FB2D66BE179)]
    [InlineData("asd", 0x631C37CE72A97393)]
    [InlineData("asdf", 0x415872F599CEA71E)]
    [InlineData("Call me Ishmael. Some years ago--never mind how long precisely-", 0x02A2E85470D6FD96)]
    public void XxHash64_KnownText_HasTheKnownHash(string text, ulong hash) => Assert.Equal(hash, XxHash64.Hash(System.Text.Encoding.UTF8.GetBytes(text)));

    private static uint[] ReadBack(BufferPool pool, GrowingBuffer output, int width, int count)
    {
        using var target = pool.Rent(count * sizeof(uint));
        output.Reserve(64);
        var start = output.Reserve(0) - output.Length;
        new RleBitPackedReader(start, start + output.Length, width).Read((uint*)target.Pointer, count);
        return target.As<uint>()[..count].ToArray();
    }
}
