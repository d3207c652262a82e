using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Storage.Packing;

/// <summary>Packs all eight lanes in one register.</summary>
internal sealed class Vector512BitPacker : IBitPacker
{
    /// <inheritdoc/>
    public void Pack(ReadOnlySpan<long> values, long reference, int width, Span<ulong> words)
    {
        ref var source = ref MemoryMarshal.GetReference(values);
        ref var target = ref MemoryMarshal.GetReference(words);
        var references = Vector512.Create(reference);
        var word = Vector512<ulong>.Zero;
        var shift = 0;
        nuint at = 0;
        for (nuint i = 0; i < (nuint)values.Length; i += BitPacking.Lanes)
        {
            var value = (Vector512.LoadUnsafe(ref source, i) - references).AsUInt64();
            word |= value << shift;
            shift += width;
            if (shift < 64)
                continue;
            word.StoreUnsafe(ref target, at);
            at += BitPacking.Lanes;
            shift -= 64;
            word = shift == 0 ? Vector512<ulong>.Zero : value >>> (width - shift);
        }
        if (shift > 0)
            word.StoreUnsafe(ref target, at);
    }

    /// <inheritdoc/>
    public void Unpack(ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values)
    {
        ref var source = ref MemoryMarshal.GetReference(words);
        ref var target = ref MemoryMarshal.GetReference(values);
        var references = Vector512.Create(reference);
        var factors = Vector512.Create(factor);
        var mask = Vector512.Create(ulong.MaxValue >> (64 - width));
        var firstBit = (long)(start / BitPacking.Lanes) * width;
        var at = (nuint)(firstBit >> 6) * BitPacking.Lanes;
        var shift = (int)(firstBit & 63);
        for (nuint i = 0; i < (nuint)values.Length; i += BitPacking.Lanes)
        {
            var value = Vector512.LoadUnsafe(ref source, at) >>> shift;
            if (shift + width > 64)
                value |= Vector512.LoadUnsafe(ref source, at + BitPacking.Lanes) << (64 - shift);
            ((value & mask).AsInt64() * factors + references).StoreUnsafe(ref target, i);
            shift += width;
            if (shift < 64)
                continue;
            shift -= 64;
            at += BitPacking.Lanes;
        }
    }
}
