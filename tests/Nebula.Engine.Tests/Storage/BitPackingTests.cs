using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Tests.Storage;

public sealed class BitPackingTests
{
    private static readonly int[] Lengths = [8, 16, 56, 64, 72, 504, 512, 520, 4096];

    public static TheoryData<string> Packers => [.. BitPacking.Available.Select(packer => packer.GetType().Name)];

    [Theory, MemberData(nameof(Packers))]
    public void Pack_EveryWidthAndLength_AgreesWithTheScalarPackerAndComesBack(string name)
    {
        var packer = BitPacking.Available.Single(p => p.GetType().Name == name);
        var scalar = new ScalarBitPacker();
        var random = new Random(5);
        for (var width = 1; width <= 64; width++)
            foreach (var length in Lengths)
            {
                const long Reference = -123_456_789_012;
                var values = new long[length];
                foreach (ref var value in values.AsSpan())
                    value = Reference + (long)((ulong)random.NextInt64(long.MinValue, long.MaxValue) >> (64 - width));
                values[0] = Reference + (long)(ulong.MaxValue >> (64 - width));
                var words = new ulong[BitPacking.WordCount(length, width)];
                var expected = new ulong[words.Length];
                BitPacking.Pack(packer, values, Reference, width, words);
                BitPacking.Pack(scalar, values, Reference, width, expected);
                Assert.Equal(expected, words);
                foreach (var start in (int[])[0, 8, length / 16 * 8])
                {
                    var unpacked = new long[length - start];
                    BitPacking.Unpack(packer, words, width, start, Reference, 1, unpacked);
                    Assert.Equal(values[start..], unpacked);
                    BitPacking.Unpack(packer, words, width, start, 17, 1_000_000, unpacked);
                    Assert.Equal(values[start..].Select(v => (v - Reference) * 1_000_000 + 17), unpacked);
                }
            }
    }

    [Fact]
    public void Unpack_TooFewWords_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => BitPacking.Unpack(new ulong[8], 33, 0, 0, 1, new long[16]));
        Assert.Throws<ArgumentException>(() => BitPacking.Pack(new long[12], 0, 3, new ulong[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => BitPacking.Pack(new long[8], 0, 65, new ulong[16]));
    }

    public static TheoryData<string, long[], int> Sequences => new()
    {
        { "constant", [.. Enumerable.Repeat(7L, 1000)], 0 },
        { "equal steps", [.. Enumerable.Range(0, 1000).Select(i => 5L - 3 * i)], 0 },
        { "steps over the edge", [.. Enumerable.Range(0, 1000).Select(i => unchecked(long.MaxValue - 500 + i))], 0 },
        { "whole seconds", [.. Enumerable.Range(0, 1000).Select(i => i * 7919L % 1024 * 1_000_000)], 10 },
        { "extremes", [long.MinValue, long.MaxValue, 0, -1, long.MaxValue, long.MinValue], 64 },
        { "one", [long.MinValue], 0 },
        { "ascending", [.. Enumerable.Range(0, 1000).Select(i => 1000L * i + i % 3)], 1 },
    };

    [Theory, MemberData(nameof(Sequences))]
    public void PackedIntegers_Sequence_ComesBackInTheBitsItNeeds(string name, long[] values, int width)
    {
        using var pool = new BufferPool();
        Assert.NotEmpty(name);
        using (var packed = PackedIntegers.Encode(pool, [.. values, .. new long[8]], values.Length))
        {
            Assert.Equal(width == 0 ? 0 : 8 * BitPacking.WordCount(values.Length, width), packed.BufferBytes);
            var decoded = new long[values.Length];
            packed.Decode(decoded);
            Assert.Equal(values, decoded);
        }
        Assert.Equal(0, pool.Outstanding);
    }
}
