using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Unpacks integers of a fixed number of bits, least significant bit first (Encodings.md, RLE/bit-packing hybrid and delta encoding).</summary>
/// <remarks>Kernels read up to 64 bytes behind the last value: sources lie in buffers with that much padding.</remarks>
internal static unsafe class BitUnpacker
{
    // what a dword of four neighbouring bytes can hold at any bit offset within the first
    private const int WidestVector = 25;
    private static readonly Vector512<byte>[] Positions = new Vector512<byte>[WidestVector + 1];
    private static readonly Vector512<uint>[] Shifts = new Vector512<uint>[WidestVector + 1];

    static BitUnpacker()
    {
        Span<byte> positions = stackalloc byte[64];
        Span<uint> shifts = stackalloc uint[16];
        for (var width = 1; width <= WidestVector; width++)
        {
            for (var i = 0; i < 16; i++)
            {
                shifts[i] = (uint)(i * width & 7);
                for (var b = 0; b < 4; b++)
                    positions[4 * i + b] = (byte)((i * width >> 3) + b);
            }
            Positions[width] = Vector512.Create<byte>(positions);
            Shifts[width] = Vector512.Create<uint>(shifts);
        }
    }

    /// <summary>Unpacks values of up to 32 bits.</summary>
    /// <param name="source">First byte of the packed values.</param>
    /// <param name="start">First value wanted.</param>
    /// <param name="width">Bits per value, 0 to 32.</param>
    /// <param name="target">Where the values go; up to 15 more may be written behind.</param>
    /// <param name="count">Number of values.</param>
    public static void Unpack(byte* source, int start, int width, uint* target, int count) => Unpack(source, start, width, target, count, Simd.Level);

    /// <inheritdoc cref="Unpack(byte*,int,int,uint*,int)"/>
    /// <param name="source">First byte of the packed values.</param>
    /// <param name="start">First value wanted.</param>
    /// <param name="width">Bits per value.</param>
    /// <param name="target">Where the values go.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="level">The kernel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(byte* source, int start, int width, uint* target, int count, SimdLevel level)
    {
        if (width == 0)
        {
            new Span<uint>(target, count).Clear();
            return;
        }
        var done = 0;
        if (width <= WidestVector && level >= SimdLevel.Vector256)
        {
            // vectors start at whole bytes
            var head = Math.Min(count, -start & 7);
            UnpackScalar(source, start, width, target, head);
            done = head;
            var at = source + ((long)(start + head) * width >> 3);
            if (level == SimdLevel.Vector512 && Avx512Vbmi.IsSupported)
                done = Unpack512(at, width, target, done, count);
            else if (Avx2.IsSupported)
                done = Unpack256(at, width, target, done, count);
        }
        if (done < count)
            UnpackScalar(source, start + done, width, target + done, count - done);
    }

    /// <summary>Reads one value of up to 64 bits.</summary>
    /// <param name="source">First byte of the packed values.</param>
    /// <param name="index">Position of the value.</param>
    /// <param name="width">Bits per value, 1 to 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(byte* source, long index, int width)
    {
        var bit = index * width;
        var at = source + (bit >> 3);
        var shift = (int)(bit & 7);
        var value = Unsafe.ReadUnaligned<ulong>(at) >> shift;
        if (shift + width > 64)
            value |= (ulong)at[8] << (64 - shift);
        return value & ulong.MaxValue >> (64 - width);
    }

    /// <returns>Number of values done, at least as many as wanted.</returns>
    private static int Unpack512(byte* at, int width, uint* target, int done, int count)
    {
        var (positions, shifts, mask) = (Positions[width], Shifts[width], Vector512.Create(uint.MaxValue >> (32 - width)));
        for (; done < count; done += 16, at += 2 * width)
        {
            var words = Avx512Vbmi.PermuteVar64x8(Vector512.Load(at), positions).AsUInt32();
            (Avx512F.ShiftRightLogicalVariable(words, shifts) & mask).Store(target + done);
        }
        return done;
    }

    private static int Unpack256(byte* at, int width, uint* target, int done, int count)
    {
        var step = Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7) * width;
        var positions = step >> 3;
        var shifts = (step & Vector256.Create(7)).AsUInt32();
        var mask = Vector256.Create(uint.MaxValue >> (32 - width));
        for (; count - done >= 8; done += 8, at += width)
            (Avx2.ShiftRightLogicalVariable(Avx2.GatherVector256((int*)at, positions, 1).AsUInt32(), shifts) & mask).Store(target + done);
        return done;
    }

    private static void UnpackScalar(byte* source, int start, int width, uint* target, int count)
    {
        var mask = ulong.MaxValue >> (64 - width);
        var bit = (long)start * width;
        for (var i = 0; i < count; i++, bit += width)
            target[i] = (uint)(Unsafe.ReadUnaligned<ulong>(source + (bit >> 3)) >> (int)(bit & 7) & mask);
    }
}
