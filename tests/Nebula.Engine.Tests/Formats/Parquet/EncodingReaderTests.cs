using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Parquet;

public unsafe class EncodingReaderTests
{
    public static TheoryData<string> Levels => [.. Simd.Available.Select(static level => level.ToString())];

    [Theory]
    [MemberData(nameof(Levels))]
    public void Unpack_EveryWidthFromAnyStart_GivesWhatWasPacked(string level)
    {
        var random = new Random(7);
        using var pool = new BufferPool();
        using var packed = pool.Rent(4096);
        using var target = pool.Rent(4096);
        for (var width = 0; width <= 32; width++)
        {
            var values = Enumerable.Range(0, 200).Select(_ => width == 0 ? 0 : (uint)random.NextInt64(1L << width)).ToArray();
            packed.Span.Clear();
            for (var i = 0; i < values.Length; i++)
                for (var bit = 0; bit < width; bit++)
                    Bitmap.Set(packed.Span, i * width + bit, (values[i] >> bit & 1) != 0);
            foreach (var (start, count) in ((int, int)[])[(0, 200), (3, 100), (8, 16), (13, 1), (5, 0), (191, 9)])
            {
                BitUnpacker.Unpack(packed.Pointer, start, width, (uint*)target.Pointer, count, Enum.Parse<SimdLevel>(level));
                Assert.Equal(values[start..(start + count)], target.As<uint>()[..count].ToArray());
            }
            if (width > 0)
                for (var i = 0; i < values.Length; i++)
                    Assert.Equal(values[i], BitUnpacker.Read(packed.Pointer, i, width));
        }
    }

    [Fact]
    public void ReadBits_OfEveryWidthUpTo64_GivesWhatWasPacked()
    {
        var random = new Random(8);
        using var pool = new BufferPool();
        using var packed = pool.Rent(1024);
        for (var width = 33; width <= 64; width++)
        {
            var values = Enumerable.Range(0, 50).Select(_ => (ulong)random.NextInt64() << 1 >> (64 - width)).ToArray();
            packed.Span.Clear();
            for (var i = 0; i < values.Length; i++)
                for (var bit = 0; bit < width; bit++)
                    Bitmap.Set(packed.Span, i * width + bit, (values[i] >> bit & 1) != 0);
            for (var i = 0; i < values.Length; i++)
                Assert.Equal(values[i], BitUnpacker.Read(packed.Pointer, i, width));
        }
    }

    // Encodings.md: the numbers 1 to 7 in three bits after a run of four times 5
    [Theory]
    [InlineData(new byte[] { 0x08, 0x05, 0x03, 0x88, 0xC6, 0xFA }, new uint[] { 5, 5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7 })]
    [InlineData(new byte[] { 0x02, 0x07, 0x00, 0x00, 0x04, 0x01 }, new uint[] { 7, 1, 1 })]
    public void ReadHybrid_RunsAndGroups_GivesTheValuesInAnyPieces(byte[] bytes, uint[] expected)
    {
        for (var piece = 1; piece <= expected.Length; piece++)
            Assert.Equal(expected, Read(bytes, (start, end, target) =>
            {
                var reader = new RleBitPackedReader(start, end, 3);
                for (var done = 0; done < expected.Length; done += piece)
                    reader.Read(target + done, Math.Min(piece, expected.Length - done));
                return expected.Length;
            }));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x08 })]
    [InlineData(new byte[] { 0x08, 0xFF })]
    [InlineData(new byte[] { 0x03 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x00, 0x05, 0x00, 0x05 })]
    public void ReadHybrid_Damaged_Faults(byte[] bytes) => Assert.Throws<ParquetFault>(() => Read(bytes, static (start, end, target) =>
    {
        new RleBitPackedReader(start, end, 3).Read(target, 4);
        return 4;
    }));

    [Fact]
    public void ReadHybrid_GroupCutOffBehindTheLastValue_GivesTheValuesThatAreThere() =>
        Assert.Equal([1u, 2, 3, 4, 5], Read([0x05, 0xD1, 0x58], static (start, end, target) =>
    {
        new RleBitPackedReader(start, end, 3).Read(target, 5);
        return 5;
    }));

    [Fact]
    public void ReadLegacy_MostSignificantBitFirst_GivesTheExampleOfTheSpecification() =>
        Assert.Equal([0u, 1, 2, 3, 4, 5, 6, 7], Read([0x05, 0x39, 0x77], static (start, end, target) =>
    {
        new LegacyBitPackedReader(start, end, 3).Read(target, 8);
        return 8;
    }));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(128, 5)]
    [InlineData(1000, 7)]
    [InlineData(129, 300)]
    public void ReadDelta_AnyIntegers_GivesThemInAnyPieces(int count, int piece)
    {
        var random = new Random(count);
        foreach (var spread in (long[])[0, 1, 1000, int.MaxValue, long.MaxValue])
        {
            var values = Enumerable.Range(0, count).Select(_ => spread == 0 ? 42 : random.NextInt64(-spread, spread)).ToArray();
            var bytes = PackDeltas(values);
            using var pool = new BufferPool();
            using var source = Rent(pool, bytes);
            using var target = pool.Rent(8 * count + 64);
            var reader = new DeltaBinaryPackedReader(source.Pointer, source.Pointer + bytes.Length);
            var whole = reader;
            for (var done = 0; done < count; done += piece)
                reader.Read((long*)target.Pointer + done, Math.Min(piece, count - done));
            Assert.Equal(values, target.As<long>()[..count].ToArray());
            Assert.Equal(bytes.Length, whole.SkipAll() - source.Pointer);
            if (spread > int.MaxValue)
                continue;
            var narrow = new DeltaBinaryPackedReader(source.Pointer, source.Pointer + bytes.Length);
            for (var done = 0; done < count; done += piece)
                narrow.Read((int*)target.Pointer + done, Math.Min(piece, count - done));
            Assert.Equal(values.Select(static value => (int)value), target.As<int>()[..count].ToArray());
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 0x01, 0x00, 0x05, 0x02 })]
    [InlineData(new byte[] { 0x00, 0x04, 0x05, 0x02 })]
    [InlineData(new byte[] { 0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0x41, 0x00, 0x00, 0x00 })]
    [InlineData(new byte[] { 0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0x08 })]
    [InlineData(new byte[] { 0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0x08, 0x00, 0x00, 0x00, 0x01 })]
    [InlineData(new byte[] { 0x80, 0x01, 0x04, 0x03, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00 })]
    public void ReadDelta_Damaged_Faults(byte[] bytes)
    {
        using var pool = new BufferPool();
        using var source = Rent(pool, bytes);
        var values = new long[5];
        Assert.Throws<ParquetFault>(() =>
        {
            var reader = new DeltaBinaryPackedReader(source.Pointer, source.Pointer + bytes.Length);
            fixed (long* target = values)
                reader.Read(target, 5);
        });
    }

    [Theory]
    [InlineData(4, 100)]
    [InlineData(8, 77)]
    [InlineData(2, 33)]
    [InlineData(16, 20)]
    [InlineData(8, 15)]
    public void ReadStreams_AnyWidth_PutsBytesBackTogether(int width, int count)
    {
        var values = new byte[width * count];
        new Random(width).NextBytes(values);
        var split = new byte[values.Length];
        for (var i = 0; i < count; i++)
            for (var b = 0; b < width; b++)
                split[b * count + i] = values[i * width + b];
        using var pool = new BufferPool();
        using var source = Rent(pool, split);
        using var target = pool.Rent(values.Length + 128);
        var reader = new ByteStreamSplitReader(source.Pointer, source.Pointer + split.Length, width);
        var first = count / 3;
        reader.Require(count);
        reader.Read(target.Pointer, first);
        reader.Read(target.Pointer + first * width, count - first);
        Assert.Equal(values, target.Span[..values.Length].ToArray());
        Assert.Throws<ParquetFault>(() => reader.Require(1));
    }

    [Fact]
    public void ReadByteArrays_FrontCodedInPieces_GivesTheExampleOfTheSpecification()
    {
        string[] values = ["axis", "axle", "babble", "babyhood"];
        var bytes = (byte[])[.. PackDeltas([0, 2, 0, 3]), .. PackDeltas([4, 2, 6, 5]), .. "axislebabbleyhood"u8];
        foreach (var piece in (int[])[1, 2, 3, 4])
            Assert.Equal(values, ReadByteArrays(PageEncoding.DeltaByteArray, bytes, values.Length, piece));
    }

    [Fact]
    public void ReadByteArrays_PlainAndByLengths_GiveTheValues()
    {
        string[] values = ["Hello", "", "World", "a value of more than sixteen bytes", "x"];
        var text = System.Text.Encoding.UTF8.GetBytes(string.Concat(values));
        Assert.Equal(values, ReadByteArrays(PageEncoding.DeltaLengthByteArray,
            [.. PackDeltas([.. values.Select(static value => (long)value.Length)]), .. text], values.Length, 2));
        var plain = values.SelectMany(static value => (byte[])[(byte)value.Length, 0, 0, 0, .. System.Text.Encoding.UTF8.GetBytes(value)]).ToArray();
        Assert.Equal(values, ReadByteArrays(PageEncoding.Plain, plain, values.Length, 2));
    }

    [Theory]
    [InlineData(nameof(PageEncoding.Plain), new byte[] { 5, 0, 0, 0, 1, 2 })]
    [InlineData(nameof(PageEncoding.Plain), new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 1, 2 })]
    [InlineData(nameof(PageEncoding.Plain), new byte[] { 0, 0 })]
    [InlineData(nameof(PageEncoding.DeltaLengthByteArray), new byte[] { 0x80, 0x01, 0x04, 0x01, 0x0A, 1 })]
    [InlineData(nameof(PageEncoding.DeltaLengthByteArray), new byte[] { 0x80, 0x01, 0x04, 0x01, 0x09, 1 })]
    [InlineData(nameof(PageEncoding.DeltaByteArray), new byte[] { 0x80, 0x01, 0x04, 0x01, 0x02, 0x80, 0x01, 0x04, 0x01, 0x02, 65, 66 })]
    [InlineData(nameof(PageEncoding.Rle), new byte[] { 0 })]
    public void ReadByteArrays_Damaged_Faults(string encoding, byte[] bytes) =>
        Assert.Throws<ParquetFault>(() => ReadByteArrays(Enum.Parse<PageEncoding>(encoding), bytes, 1, 1));

    [Theory]
    [InlineData(1, "-3")]
    [InlineData(4, "-3")]
    [InlineData(9, "1234567890123456789")]
    [InlineData(16, "-170141183460469231731687303715884105728")]
    [InlineData(20, "99999999999999999999999999999999999999")]
    [InlineData(40, "-1")]
    public void WriteDecimal_BigEndianOfAnyLength_GivesTheInteger(int length, string value)
    {
        var expected = Int128.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
        var bytes = new byte[Math.Max(16, length)];
        bytes.AsSpan().Fill(expected < 0 ? (byte)0xFF : (byte)0);
        BinaryPrimitives.WriteInt128BigEndian(bytes.AsSpan(bytes.Length - 16), expected);
        Int128 actual;
        BigEndianDecimal.Write(bytes.AsSpan(bytes.Length - length), (byte*)&actual, 16);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 16)]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 16)]
    [InlineData(new byte[] { 0, 0x80, 0, 0, 0, 0, 0, 0, 0 }, 8)]
    public void WriteDecimal_TooLarge_Faults(byte[] bytes, int width)
    {
        var target = new byte[16];
        Assert.Throws<ParquetFault>(() =>
        {
            fixed (byte* to = target)
                BigEndianDecimal.Write(bytes, to, width);
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(16)]
    public void Spread_AnyValidity_MovesEveryValueToItsSlot(int width)
    {
        var random = new Random(width);
        using var pool = new BufferPool();
        foreach (var density in (double[])[0, 0.1, 0.5, 0.9, 1])
        {
            const int slots = 300;
            using var validity = pool.Rent(Bitmap.ByteCount(slots));
            using var values = pool.Rent(slots * width);
            validity.Span.Clear();
            var count = 0;
            for (var i = 0; i < slots; i++)
                if (random.NextDouble() < density)
                {
                    Bitmap.Set(validity.Span, i, true);
                    count++;
                }
            var dense = new byte[count * width];
            random.NextBytes(dense);
            dense.CopyTo(values.Span);
            ValueSpread.Spread(values.Pointer, width, validity.Pointer, slots, count);
            for (int i = 0, next = 0; i < slots; i++)
                if (Bitmap.Get(validity.Span, i))
                    Assert.Equal(dense.AsSpan(next++ * width, width), values.Span.Slice(i * width, width));
        }
    }

    private delegate int Reading(byte* start, byte* end, uint* target);

    private static uint[] Read(byte[] bytes, Reading read)
    {
        using var pool = new BufferPool();
        using var source = Rent(pool, bytes);
        using var target = pool.Rent(4096);
        var count = read(source.Pointer, source.Pointer + bytes.Length, (uint*)target.Pointer);
        return target.As<uint>()[..count].ToArray();
    }

    private static PooledBuffer Rent(BufferPool pool, byte[] bytes)
    {
        var buffer = pool.Rent(bytes.Length);
        bytes.CopyTo(buffer.Span);
        return buffer;
    }

    private static string[] ReadByteArrays(PageEncoding encoding, byte[] bytes, int count, int piece)
    {
        using var pool = new BufferPool();
        using var source = Rent(pool, bytes);
        using var reader = new ByteArrayReader(-1, pool);
        using var target = new ByteArrayBuffer(pool);
        reader.Start(encoding, source.Pointer, source.Pointer + bytes.Length);
        var values = new List<string>();
        for (var done = 0; done < count; done += piece)
        {
            target.Clear();
            reader.Read(target, Math.Min(piece, count - done));
            for (var i = 0; i < target.Count; i++)
                values.Add(System.Text.Encoding.UTF8.GetString(target[i]));
        }
        return [.. values];
    }

    /// <summary>The plainest delta encoding there is: blocks of 128 in four parts, each as wide as it must be.</summary>
    private static byte[] PackDeltas(long[] values)
    {
        var bytes = new List<byte>();
        Varint(bytes, 128);
        Varint(bytes, 4);
        Varint(bytes, (ulong)values.Length);
        Varint(bytes, Zigzag(values.Length == 0 ? 0 : values[0]));
        for (var block = 1; block < values.Length; block += 128)
        {
            var deltas = Enumerable.Range(block, Math.Min(128, values.Length - block)).Select(i => unchecked(values[i] - values[i - 1])).ToArray();
            var min = deltas.Min();
            Varint(bytes, Zigzag(min));
            var parts = deltas.Select(delta => unchecked((ulong)(delta - min))).Chunk(32).ToArray();
            var widths = parts.Select(static part => 64 - System.Numerics.BitOperations.LeadingZeroCount(part.Aggregate((a, b) => a | b))).ToArray();
            for (var i = 0; i < 4; i++)
                bytes.Add((byte)(i < widths.Length ? widths[i] : 0));
            for (var i = 0; i < parts.Length; i++)
            {
                var packed = new byte[32 * widths[i] / 8];
                for (var v = 0; v < parts[i].Length; v++)
                    for (var bit = 0; bit < widths[i]; bit++)
                        Bitmap.Set(packed, v * widths[i] + bit, (parts[i][v] >> bit & 1) != 0);
                bytes.AddRange(packed);
            }
        }
        return [.. bytes];
    }

    private static ulong Zigzag(long value) => (ulong)(value << 1 ^ value >> 63);

    private static void Varint(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
