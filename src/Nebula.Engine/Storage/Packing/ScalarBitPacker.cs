namespace Nebula.Engine.Storage.Packing;

/// <summary>Packs one lane after the other without vector instructions: the reference for the other packers, and the fallback.</summary>
internal sealed class ScalarBitPacker : IBitPacker
{
    /// <inheritdoc/>
    public void Pack(ReadOnlySpan<long> values, long reference, int width, Span<ulong> words)
    {
        for (var lane = 0; lane < BitPacking.Lanes; lane++)
        {
            var (word, shift, at) = (0ul, 0, lane);
            for (var i = lane; i < values.Length; i += BitPacking.Lanes)
            {
                var value = (ulong)(values[i] - reference);
                word |= value << shift;
                shift += width;
                if (shift < 64)
                    continue;
                words[at] = word;
                at += BitPacking.Lanes;
                shift -= 64;
                word = shift == 0 ? 0 : value >> (width - shift);
            }
            if (shift > 0)
                words[at] = word;
        }
    }

    /// <inheritdoc/>
    public void Unpack(ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values)
    {
        var mask = ulong.MaxValue >> (64 - width);
        var firstBit = (long)(start / BitPacking.Lanes) * width;
        for (var lane = 0; lane < BitPacking.Lanes; lane++)
        {
            var at = (int)(firstBit >> 6) * BitPacking.Lanes + lane;
            var shift = (int)(firstBit & 63);
            for (var i = lane; i < values.Length; i += BitPacking.Lanes)
            {
                var value = words[at] >> shift;
                if (shift + width > 64)
                    value |= words[at + BitPacking.Lanes] << (64 - shift);
                values[i] = (long)(value & mask) * factor + reference;
                shift += width;
                if (shift < 64)
                    continue;
                shift -= 64;
                at += BitPacking.Lanes;
            }
        }
    }
}
