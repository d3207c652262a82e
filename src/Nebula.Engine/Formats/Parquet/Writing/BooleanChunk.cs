using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Booleans, as bits.</summary>
/// <param name="bits">The bits, in whole 64-bit words.</param>
/// <param name="wordCount">Number of 64-bit words.</param>
internal sealed unsafe class BooleanChunk(byte* bits, int wordCount) : ChunkValues
{
    private ReadOnlySpan<byte> Bits => new(bits, wordCount * sizeof(ulong));

    public override void Plan(EncodingPlanner planner) => Encoding = PageEncoding.Plain;

    public override void WriteDictionary(GrowingBuffer output) => throw new InvalidOperationException("Booleans have no dictionary.");

    public override void Write(int start, int length, GrowingBuffer output)
    {
        var size = (length + 7) / 8;
        var target = output.Reserve(size + sizeof(ulong));
        for (var i = 0; i < length; i += 64)
            *(ulong*)(target + i / 8) = BitRange.Read(Bits, start + i, Math.Min(64, length - i));
        output.Extend(size);
    }

    public override long SizeOf(int start, int length) => length / 8 + 1;

    public override ValueBounds BoundsOf(int start, int length)
    {
        if (length == 0)
            return default;
        var set = BitRange.CountSet(Bits, start, length);
        return new ValueBounds([set == length ? (byte)1 : (byte)0], [set > 0 ? (byte)1 : (byte)0]);
    }

    public override int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => a[0].CompareTo(b[0]);

    public override void AddTo(BloomFilter filter)
    {
        // two values: a filter would tell nothing (BloomFilter.md leaves booleans out)
    }
}
