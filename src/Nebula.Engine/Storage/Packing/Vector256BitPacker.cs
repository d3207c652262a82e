using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Storage.Packing;

/// <summary>Packs four lanes in one register, then the other four.</summary>
internal sealed class Vector256BitPacker : IBitPacker
{
    /// <inheritdoc/>
    public void Pack(ReadOnlySpan<long> values, long reference, int width, Span<ulong> words)
    {
        ref var source = ref MemoryMarshal.GetReference(values);
        ref var target = ref MemoryMarshal.GetReference(words);
        var references = Vector256.Create(reference);
        for (nuint lane = 0; lane < BitPacking.Lanes; lane += (nuint)Vector256<long>.Count)
        {
            var word = Vector256<ulong>.Zero;
            var shift = 0;
            var at = lane;
            for (var i = lane; i < (nuint)values.Length; i += BitPacking.Lanes)
            {
                var value = (Vector256.LoadUnsafe(ref source, i) - references).AsUInt64();
                word |= value << shift;
                shift += width;
                if (shift < 64)
                    continue;
                word.StoreUnsafe(ref target, at);
                at += BitPacking.Lanes;
                shift -= 64;
                word = shift == 0 ? Vector256<ulong>.Zero : value >>> (width - shift);
            }
            if (shift > 0)
                word.StoreUnsafe(ref target, at);
        }
    }

    /// <inheritdoc/>
    public void Unpack(ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values)
    {
        ref var source = ref MemoryMarshal.GetReference(words);
        ref var target = ref MemoryMarshal.GetReference(values);
        var references = Vector256.Create(reference);
        var factors = Vector256.Create(factor);
        var mask = Vector256.Create(ulong.MaxValue >> (64 - width));
        var firstBit = (long)(start / BitPacking.Lanes) * width;
        for (nuint lane = 0; lane < BitPacking.Lanes; lane += (nuint)Vector256<long>.Count)
        {
            var at = (nuint)(firstBit >> 6) * BitPacking.Lanes + lane;
            var shift = (int)(firstBit & 63);
            for (var i = lane; i < (nuint)values.Length; i += BitPacking.Lanes)
            {
                var value = Vector256.LoadUnsafe(ref source, at) >>> shift;
                if (shift + width > 64)
                    value |= Vector256.LoadUnsafe(ref source, at + BitPacking.Lanes) << (64 - shift);
                ((value & mask).AsInt64() * factors + references).StoreUnsafe(ref target, i);
                shift += width;
                if (shift < 64)
                    continue;
                shift -= 64;
                at += BitPacking.Lanes;
            }
        }
    }
}
