using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Orc;

/// <summary>The examples of the specification, and round trips through every form of run.</summary>
public sealed unsafe class OrcEncodingTests : IDisposable
{
    private readonly BufferPool _pool = new();

    public static TheoryData<byte[], bool, long[]> Version2Examples => new()
    {
        { [0x0a, 0x27, 0x10], false, [10000, 10000, 10000, 10000, 10000] },
        { [0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef], false, [23713, 43806, 57005, 48879] },
        {
            [0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a, 0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa,
                0xb4, 0xbe, 0xfc, 0xe8], false,
            [2030, 2000, 2020, 1000000, 2040, 2050, 2060, 2070, 2080, 2090, 2100, 2110, 2120, 2130, 2140, 2150, 2160, 2170, 2180, 2190]
        },
        { [0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46], false, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29] },
    };

    public static TheoryData<byte[], long[]> Version1Examples => new()
    {
        { [0x61, 0x00, 0x07], [.. Enumerable.Repeat(7L, 100)] },
        { [0x61, 0xff, 0x64], [.. Enumerable.Range(1, 100).Reverse().Select(static i => (long)i)] },
        { [0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b], [2, 3, 6, 7, 11] },
    };

    public static TheoryData<int> Widths => [.. Enumerable.Range(1, 64)];

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, MemberData(nameof(Version2Examples))]
    public void ReadVersion2_ExampleOfTheSpecification_GivesItsValues(byte[] bytes, bool isSigned, long[] expected) =>
        Assert.Equal(expected, Read(bytes, stream => new IntegerReaderV2(stream, isSigned, _pool), expected.Length));

    [Theory, MemberData(nameof(Version1Examples))]
    public void ReadVersion1_ExampleOfTheSpecification_GivesItsValues(byte[] bytes, long[] expected) =>
        Assert.Equal(expected, Read(bytes, stream => new IntegerReaderV1(stream, isSigned: false, _pool), expected.Length));

    [Theory]
    [InlineData(new byte[] { 0x61, 0x00 }, 100)]
    [InlineData(new byte[] { 0xfe, 0x44, 0x45 }, 2)]
    public void ReadBytes_ExampleOfTheSpecification_GivesItsValues(byte[] bytes, int count)
    {
        using var buffer = Copy(bytes);
        using var stream = new ByteStream("Data", buffer.Content, 0, null, _pool);
        var values = new byte[count];
        fixed (byte* target = values)
            new ByteRunReader(stream).Read(target, count);
        Assert.Equal(bytes[0] == 0x61 ? new byte[100] : [0x44, 0x45], values);
        using var written = new GrowingBuffer(_pool);
        ByteRunWriter.Write(values, written);
        Assert.Equal(bytes, written.Content.ToArray());
    }

    [Theory, MemberData(nameof(Widths))]
    public void Unpack_EveryWidthAndLevel_GivesWhatWasPacked(int width)
    {
        var random = new Random(width);
        foreach (var count in (ReadOnlySpan<int>)[1, 7, 8, 9, 511, 512])
        {
            var values = new ulong[count];
            for (var i = 0; i < count; i++)
                values[i] = (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> (64 - width);
            using var packed = new GrowingBuffer(_pool);
            BitPacker.Pack(values, width, packed);
            Assert.Equal(BitUnpacking.ByteCount(count, width), packed.Length);
            using var source = packed.Detach();
            using var target = _pool.Rent(count * sizeof(long));
            foreach (var level in Simd.Available)
                foreach (var isZigzag in (ReadOnlySpan<bool>)[false, true])
                {
                    BitUnpacking.Unpack(source.Pointer, width, (long*)target.Pointer, count, isZigzag, level);
                    Assert.Equal(values.Select(value => isZigzag ? (long)(value >> 1) ^ -(long)(value & 1) : (long)value),
                        target.As<long>()[..count].ToArray());
                }
        }
    }

    [Fact]
    public void WriteIntegers_AnyValues_ReadBackEqual()
    {
        const int seed = 77;
        var random = new Random(seed);
        for (var round = 0; round < 400; round++)
        {
            var values = new long[random.Next(1, 2000)];
            for (int i = 0, style = 0; i < values.Length; i++)
            {
                if (i % 200 == 0)
                    style = random.Next(9);
                values[i] = style switch
                {
                    0 => 5,
                    1 => i,
                    2 => -3L * i,
                    3 => random.Next(100),
                    4 => random.Next(30) == 0 ? random.NextInt64() : random.Next(100),
                    5 => random.NextInt64(long.MinValue, long.MaxValue),
                    6 => i == 0 ? 0 : values[i - 1] + random.Next(20),
                    7 => random.Next(3) - 1 + (random.Next(50) == 0 ? -(1L << 40) : 0),
                    _ => random.Next(2) == 0 ? long.MinValue : long.MaxValue,
                };
            }
            var isSigned = random.Next(2) == 0;
            if (!isSigned)
                for (var i = 0; i < values.Length; i++)
                    values[i] &= long.MaxValue;
            using var written = new GrowingBuffer(_pool);
            IntegerWriter.Write(values, isSigned, written);
            Assert.Equal(values, Read(written.Content.ToArray(), stream => new IntegerReaderV2(stream, isSigned, _pool), values.Length));
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(24, 24)]
    [InlineData(25, 26)]
    [InlineData(27, 28)]
    [InlineData(29, 30)]
    [InlineData(31, 32)]
    [InlineData(33, 40)]
    [InlineData(41, 48)]
    [InlineData(57, 64)]
    [InlineData(64, 64)]
    public void ClosestWidth_OfBits_IsTheNextInTheTable(int bits, int expected) => Assert.Equal(expected, BitWidths.Closest(bits));

    private long[] Read(byte[] bytes, Func<ByteStream, IntegerReader> open, int count)
    {
        using var buffer = Copy(bytes);
        using var stream = new ByteStream("Data", buffer.Content, 0, null, _pool);
        using var reader = open(stream);
        using var target = _pool.Rent(count * sizeof(long));
        // in pieces, so that runs are left and taken up again
        var random = new Random(count);
        for (var done = 0; done < count;)
        {
            var step = Math.Min(random.Next(1, 700), count - done);
            reader.Read((long*)target.Pointer + done, step);
            done += step;
        }
        Assert.Equal(0, stream.Available);
        return target.As<long>()[..count].ToArray();
    }

    private PooledBuffer Copy(byte[] bytes)
    {
        var buffer = _pool.Rent(bytes.Length);
        bytes.CopyTo(buffer.Span);
        buffer.Length = bytes.Length;
        return buffer;
    }
}
