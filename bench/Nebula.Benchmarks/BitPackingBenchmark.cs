using Nebula.Engine.Storage.Packing;

namespace Nebula.Benchmarks;

/// <summary>Compares the packers; the scalar one is the baseline.</summary>
internal static class BitPackingBenchmark
{
    private const int Length = 65_536;
    private const int Repeats = 50;

    public static int Run()
    {
        var values = new long[Length];
        foreach (var width in (int[])[1, 7, 14, 27, 33, 48])
        {
            var random = new Random(1);
            foreach (ref var value in values.AsSpan())
                value = random.NextInt64(1L << width);
            var words = new ulong[BitPacking.WordCount(Length, width)];
            foreach (var packer in BitPacking.Available)
            {
                Measure.Rate($"pack {width} {packer.GetType().Name}", (long)Length * Repeats, () =>
                {
                    for (var i = 0; i < Repeats; i++)
                        BitPacking.Pack(packer, values, 0, width, words);
                });
                Measure.Rate($"unpack {width} {packer.GetType().Name}", (long)Length * Repeats, () =>
                {
                    for (var i = 0; i < Repeats; i++)
                        BitPacking.Unpack(packer, words, width, 0, 0, 1, values);
                });
            }
        }
        return 0;
    }
}
