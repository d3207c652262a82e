using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace Nebula.Engine.Compression.Checksums;

/// <summary>CRC-32C (Castagnoli): polynomial 0x82F63B78 reflected, register and result inverted.</summary>
internal static class Crc32C
{
    private static readonly SlicedCrc Sliced = new(0x82F63B78);

    /// <summary>Continues a checksum over more bytes; start with 0.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> data)
    {
        if (!Sse42.X64.IsSupported && !ArmCrc32.Arm64.IsSupported)
            return UpdateSliced(crc, data);
        var register = ~crc;
        for (; data.Length >= 8; data = data[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(data);
            register = Sse42.X64.IsSupported ? (uint)Sse42.X64.Crc32(register, word) : ArmCrc32.Arm64.ComputeCrc32C(register, word);
        }
        return ~Sliced.Update(register, data);
    }

    /// <summary>As <see cref="Update"/>, without special instructions.</summary>
    public static uint UpdateSliced(uint crc, ReadOnlySpan<byte> data) => ~Sliced.Update(~crc, data);
}
