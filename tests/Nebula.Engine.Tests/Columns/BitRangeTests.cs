using Nebula.Engine.Columns;

namespace Nebula.Engine.Tests.Columns;

public sealed class BitRangeTests
{
    private static readonly int[] Positions = [0, 1, 7, 8, 31, 63, 64, 65, 127, 128, 130];
    private static readonly int[] Counts = [0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 200];

    [Fact]
    public void Copy_AnyPositions_CopiesJustTheseBits()
    {
        var random = new Random(9);
        foreach (var from in Positions)
            foreach (var to in Positions)
                foreach (var count in Counts)
                {
                    var source = new byte[Bitmap.ByteCount(from + count)];
                    var target = new byte[Bitmap.ByteCount(to + count)];
                    random.NextBytes(source);
                    random.NextBytes(target);
                    var expected = target.ToArray();
                    for (var i = 0; i < count; i++)
                        Bitmap.Set(expected, to + i, Bitmap.Get(source, from + i));
                    BitRange.Copy(source, from, target, to, count);
                    Assert.Equal(expected, target);
                }
    }

    [Fact]
    public void CountSetAndSetAll_AnyRange_TouchJustTheseBits()
    {
        var random = new Random(10);
        foreach (var start in Positions)
            foreach (var count in Counts)
            {
                var bits = new byte[Bitmap.ByteCount(start + count)];
                random.NextBytes(bits);
                Assert.Equal(Enumerable.Range(start, count).Count(i => Bitmap.Get(bits, i)), BitRange.CountSet(bits, start, count));
                var expected = bits.ToArray();
                for (var i = 0; i < count; i++)
                    Bitmap.Set(expected, start + i, true);
                BitRange.SetAll(bits, start, count);
                Assert.Equal(expected, bits);
            }
    }
}
