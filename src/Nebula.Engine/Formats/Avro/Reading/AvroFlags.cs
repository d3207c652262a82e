using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Packs bytes that are 0 or 1 into bits.</summary>
internal static unsafe class AvroFlags
{
    /// <summary>Packs flags.</summary>
    /// <param name="flags">A byte per flag; those up to the next multiple of 64 are overwritten.</param>
    /// <param name="count">Number of flags.</param>
    /// <param name="pool">Where the bits come from.</param>
    public static PooledBuffer Pack(PooledBuffer flags, int count, BufferPool pool)
    {
        var bits = pool.Rent(Bitmap.ByteCount(count));
        bits.Length = Bitmap.ByteCount(count);
        // behind the capacity of a buffer there is room for this
        new Span<byte>(flags.Pointer + count, (int)((uint)-count % 64)).Clear();
        var from = flags.Pointer;
        var to = (ulong*)bits.Pointer;
        for (var i = 0; i < count; i += 64, from += 64)
            *to++ = Simd.Level == SimdLevel.Vector512
                ? Vector512.GreaterThan(Vector512.Load(from), Vector512<byte>.Zero).ExtractMostSignificantBits()
                : Pack32(from) | (ulong)Pack32(from + 32) << 32;
        return bits;
    }

    private static uint Pack32(byte* flags) => Vector256.GreaterThan(Vector256.Load(flags), Vector256<byte>.Zero).ExtractMostSignificantBits();
}
