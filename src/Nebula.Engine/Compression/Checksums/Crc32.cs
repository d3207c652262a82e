using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Compression.Checksums;

/// <summary>CRC-32 of gzip (RFC 1952, section 8): polynomial 0xEDB88320 reflected, register and result inverted.</summary>
internal static class Crc32
{
    private const int FoldedBytes = 64;
    private static readonly SlicedCrc Sliced = new(0xEDB88320);

    /// <summary>Continues a checksum over more bytes; start with 0.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> data) =>
        Pclmulqdq.IsSupported && data.Length >= 2 * FoldedBytes ? UpdateFolded(crc, data) : UpdateSliced(crc, data);

    /// <summary>As <see cref="Update"/>, without special instructions.</summary>
    public static uint UpdateSliced(uint crc, ReadOnlySpan<byte> data) => ~Sliced.Update(~crc, data);

    /// <summary>
    /// As <see cref="Update"/>, by carry-less multiplication: 64 bytes are kept as a polynomial that has the same remainder as all that came before.
    /// The multipliers are x^n modulo the polynomial for n = 4*128±32 and 128±32 (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
    /// PCLMULQDQ").
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint UpdateFolded(uint crc, ReadOnlySpan<byte> data)
    {
        var by64 = Vector128.Create(0x154442BD4L, 0x1C6E41596L);
        var by16 = Vector128.Create(0x1751997D0L, 0x0CCAA009EL);
        ref var start = ref MemoryMarshal.GetReference(data);
        var x0 = Load(ref start, 0) ^ Vector128.CreateScalar(~crc).AsInt64();
        var x1 = Load(ref start, 16);
        var x2 = Load(ref start, 32);
        var x3 = Load(ref start, 48);
        var at = FoldedBytes;
        for (; at + FoldedBytes <= data.Length; at += FoldedBytes)
        {
            x0 = Fold(x0, by64) ^ Load(ref start, at);
            x1 = Fold(x1, by64) ^ Load(ref start, at + 16);
            x2 = Fold(x2, by64) ^ Load(ref start, at + 32);
            x3 = Fold(x3, by64) ^ Load(ref start, at + 48);
        }
        x1 ^= Fold(x0, by16);
        x2 ^= Fold(x1, by16);
        x3 ^= Fold(x2, by16);
        for (; at + 16 <= data.Length; at += 16)
            x3 = Fold(x3, by16) ^ Load(ref start, at);
        var register = Sliced.Update(0, MemoryMarshal.AsBytes(new ReadOnlySpan<Vector128<long>>(in x3)));
        return ~Sliced.Update(register, data[at..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<long> Fold(Vector128<long> x, Vector128<long> multipliers) =>
        Pclmulqdq.CarrylessMultiply(x, multipliers, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, multipliers, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<long> Load(ref byte start, int offset) => Vector128.LoadUnsafe(ref start, (nuint)offset).AsInt64();
}
