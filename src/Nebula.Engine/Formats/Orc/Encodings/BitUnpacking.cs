using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Unpacks integers of a fixed number of bits, most significant first and one behind the other. The only door to vector code of the readers of
/// runs.</summary>
internal static unsafe class BitUnpacking
{
    // Values up to this width lie in 8 bytes wherever they start.
    private const int MaxShiftedWidth = 57;
    private static readonly Vector512<byte>[] Lanes = BuildLanes();
    private static readonly Vector512<ulong>[] Shifts = BuildShifts();

    /// <summary>Bytes that packed values take.</summary>
    public static int ByteCount(int count, int width) => (int)(((long)count * width + 7) / 8);

    /// <summary>Unpacks values.</summary>
    /// <param name="source">The packed values; 64 bytes behind them are readable.</param>
    /// <param name="width">Bits per value: 1 to 64.</param>
    /// <param name="target">Where they go; 64 bytes behind them are written.</param>
    /// <param name="count">How many.</param>
    /// <param name="isZigzag">Whether the sign is in the lowest bit.</param>
    public static void Unpack(byte* source, int width, long* target, int count, bool isZigzag) => Unpack(source, width, target, count, isZigzag, Simd.Level);

    /// <summary>Unpacks values with registers of a width.</summary>
    /// <inheritdoc cref="Unpack(byte*,int,long*,int,bool)"/>
    public static void Unpack(byte* source, int width, long* target, int count, bool isZigzag, SimdLevel level)
    {
        if (width <= MaxShiftedWidth - 1 && level == SimdLevel.Vector512 && Avx512Vbmi.IsSupported)
            UnpackVector512(source, width, target, count, isZigzag);
        else
            UnpackScalar(source, width, target, count, isZigzag);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackVector512(byte* source, int width, long* target, int count, bool isZigzag)
    {
        // eight values take as many bytes as one has bits, so every round looks alike
        var (lanes, shifts) = (Lanes[width], Shifts[width]);
        var down = Vector128.CreateScalar((ulong)(64 - width));
        for (var i = 0; i < count; i += 8, source += width)
        {
            var shifted = Avx512F.ShiftLeftLogicalVariable(Avx512Vbmi.PermuteVar64x8(Vector512.Load(source), lanes).AsUInt64(), shifts);
            var values = Avx512F.ShiftRightLogical(shifted, down);
            if (isZigzag)
                values = values >> 1 ^ Vector512<ulong>.Zero - (values & Vector512<ulong>.One);
            values.AsInt64().Store(target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackScalar(byte* source, int width, long* target, int count, bool isZigzag)
    {
        var bit = 0L;
        for (var i = 0; i < count; i++, bit += width)
        {
            var at = source + (bit >> 3);
            var shift = (int)(bit & 7);
            var value = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(at)) << shift;
            // a wide value may end in a ninth byte
            if (width + shift > 64)
                value |= (ulong)at[8] >> (8 - shift);
            value >>= 64 - width;
            target[i] = isZigzag ? Varint.Unzigzag(value) : (long)value;
        }
    }

    /// <summary>Per width: for each of eight values its first 8 bytes, reversed.</summary>
    private static Vector512<byte>[] BuildLanes()
    {
        var tables = new Vector512<byte>[MaxShiftedWidth];
        Span<byte> table = stackalloc byte[64];
        for (var width = 1; width < MaxShiftedWidth; width++)
        {
            for (var i = 0; i < 64; i++)
                table[i] = (byte)Math.Min((i / 8 * width >> 3) + 7 - i % 8, 63);
            tables[width] = Vector512.Create<byte>(table);
        }
        return tables;
    }

    private static Vector512<ulong>[] BuildShifts()
    {
        var tables = new Vector512<ulong>[MaxShiftedWidth];
        Span<ulong> table = stackalloc ulong[8];
        for (var width = 1; width < MaxShiftedWidth; width++)
        {
            for (var i = 0; i < 8; i++)
                table[i] = (ulong)(i * width & 7);
            tables[width] = Vector512.Create<ulong>(table);
        }
        return tables;
    }
}
