using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Nebula.Orchestration;

/// <summary>A hash of 128 bits that tells contents apart: not against someone who looks for two with the same, and without loading a cryptographic library,
/// which costs a short run more than all it hashes. Two words, as code for the runtime's own type of 128 bits cannot be compiled ahead.</summary>
/// <param name="Upper">The first 64 bits.</param>
/// <param name="Lower">The last 64 bits.</param>
internal readonly record struct Hash128(ulong Upper, ulong Lower)
{
    private const ulong First = 0x9E3779B97F4A7C15;
    private const ulong Second = 0xC2B2AE3D27D4EB4F;

    /// <summary>Hashes bytes.</summary>
    public static Hash128 Of(ReadOnlySpan<byte> content)
    {
        var length = (ulong)content.Length;
        var (low, high) = (length * First, ~length * Second);
        for (; content.Length >= sizeof(ulong); content = content[sizeof(ulong)..])
            (low, high) = Mix(low, high, BinaryPrimitives.ReadUInt64LittleEndian(content));
        var last = 0UL;
        for (var i = content.Length - 1; i >= 0; i--)
            last = (last << 8) | content[i];
        (low, high) = Mix(low, high, last);
        return new Hash128(Finish(high + low), Finish(low ^ BitOperations.RotateLeft(high, 32)));
    }

    /// <summary>Renders 32 hexadecimal digits.</summary>
    public override string ToString() => Upper.ToString("x16", CultureInfo.InvariantCulture) + Lower.ToString("x16", CultureInfo.InvariantCulture);

    // each word goes through both lanes, by different odd factors, and each lane takes from the other
    private static (ulong Low, ulong High) Mix(ulong low, ulong high, ulong word)
    {
        low = (BitOperations.RotateLeft(low ^ (word * First), 29) + high) * Second;
        high = (BitOperations.RotateLeft(high ^ (word * Second), 37) + low) * First;
        return (low, high);
    }

    private static ulong Finish(ulong value)
    {
        value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD;
        value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53;
        return value ^ (value >> 33);
    }
}
