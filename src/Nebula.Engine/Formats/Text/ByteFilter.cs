using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// The door to the instruction that closes the gaps in a vector of bytes (VPCOMPRESSB). With it, taking characters out of a text or putting them in costs the
/// same whether there are any, so that texts where some have them and some have not are not slowed down by wrong predictions.
/// </summary>
internal static class ByteFilter
{
    /// <summary>Whether this machine has it, and may use it.</summary>
    public static bool IsSupported
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx512Vbmi2.IsSupported && Avx512Vbmi.VL.IsSupported;
    }

    /// <summary>Takes those of 64 bytes whose bit is set, side by side; zeros behind them.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="kept">A bit per byte, the first byte lowest.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Keep(Vector512<byte> bytes, ulong kept)
    {
        // byte i of the spread mask holds the eight bits that bit i is among
        var spread = Avx512BW.Shuffle(Vector512.Create(kept).AsByte(), Vector512.Create(
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
            4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, (byte)7));
        var bit = Vector512.Create(0x8040201008040201UL).AsByte();
        return Keep(bytes, Vector512.Equals(spread & bit, bit));
    }

    /// <summary>Takes those of 64 bytes whose mask is set, side by side; zeros behind them.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="kept">All bits of a byte are set where it is kept, else none.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Keep(Vector512<byte> bytes, Vector512<byte> kept) =>
        // into a register, since the form that stores is a hundred times slower on some processors
        Avx512Vbmi2.Compress(Vector512<byte>.Zero, kept, bytes);
}
