using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Where the bytes that give JSON its structure stand among 64 bytes; a bit per byte, the first lowest.</summary>
/// <param name="Quotes">Double quotes.</param>
/// <param name="Backslashes">Backslashes.</param>
/// <param name="Opens">Opening brackets and braces.</param>
/// <param name="Closes">Closing brackets and braces.</param>
/// <param name="Commas">Commas.</param>
internal readonly record struct StructureMasks(ulong Quotes, ulong Backslashes, ulong Opens, ulong Closes, ulong Commas);

/// <summary>The door to vector code of the splitter.</summary>
internal unsafe interface IStructureKernel
{
    /// <summary>Looks at 64 bytes.</summary>
    static abstract StructureMasks Classify(byte* p);
}

/// <summary>The twin without vectors.</summary>
internal readonly unsafe struct ScalarStructureKernel : IStructureKernel
{
    /// <inheritdoc/>
    public static StructureMasks Classify(byte* p)
    {
        ulong quotes = 0, backslashes = 0, opens = 0, closes = 0, commas = 0;
        for (var i = 0; i < 64; i++)
        {
            var bit = 1UL << i;
            switch (p[i])
            {
                case (byte)'"': quotes |= bit; break;
                case (byte)'\\': backslashes |= bit; break;
                case (byte)'{' or (byte)'[': opens |= bit; break;
                case (byte)'}' or (byte)']': closes |= bit; break;
                case (byte)',': commas |= bit; break;
            }
        }
        return new StructureMasks(quotes, backslashes, opens, closes, commas);
    }
}

/// <summary>16 bytes at a time.</summary>
internal readonly unsafe struct StructureKernel128 : IStructureKernel
{
    /// <inheritdoc/>
    public static StructureMasks Classify(byte* p)
    {
        var (q0, b0, o0, c0, k0) = Part(p);
        var (q1, b1, o1, c1, k1) = Part(p + 16);
        var (q2, b2, o2, c2, k2) = Part(p + 32);
        var (q3, b3, o3, c3, k3) = Part(p + 48);
        return new StructureMasks(Join(q0, q1, q2, q3), Join(b0, b1, b2, b3), Join(o0, o1, o2, o3), Join(c0, c1, c2, c3), Join(k0, k1, k2, k3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Join(uint a, uint b, uint c, uint d) => a | (ulong)b << 16 | (ulong)c << 32 | (ulong)d << 48;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (uint Quotes, uint Backslashes, uint Opens, uint Closes, uint Commas) Part(byte* p)
    {
        var bytes = Vector128.Load(p);
        var folded = bytes | Vector128.Create((byte)0x20); // a bracket becomes its brace
        return (Find(bytes, (byte)'"'), Find(bytes, (byte)'\\'), Find(folded, (byte)'{'), Find(folded, (byte)'}'), Find(bytes, (byte)','));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Find(Vector128<byte> bytes, byte value) => Vector128.Equals(bytes, Vector128.Create(value)).ExtractMostSignificantBits();
}

/// <summary>32 bytes at a time.</summary>
internal readonly unsafe struct StructureKernel256 : IStructureKernel
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StructureMasks Classify(byte* p)
    {
        var low = Vector256.Load(p);
        var high = Vector256.Load(p + 32);
        var bit = Vector256.Create((byte)0x20); // a bracket becomes its brace
        var (lowFolded, highFolded) = (low | bit, high | bit);
        return new StructureMasks(Find(low, high, (byte)'"'), Find(low, high, (byte)'\\'),
            Find(lowFolded, highFolded, (byte)'{'), Find(lowFolded, highFolded, (byte)'}'), Find(low, high, (byte)','));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Find(Vector256<byte> low, Vector256<byte> high, byte value) =>
        Vector256.Equals(low, Vector256.Create(value)).ExtractMostSignificantBits()
        | (ulong)Vector256.Equals(high, Vector256.Create(value)).ExtractMostSignificantBits() << 32;
}

/// <summary>64 bytes at a time.</summary>
internal readonly unsafe struct StructureKernel512 : IStructureKernel
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StructureMasks Classify(byte* p)
    {
        var bytes = Vector512.Load(p);
        var folded = bytes | Vector512.Create((byte)0x20); // a bracket becomes its brace
        return new StructureMasks(Find(bytes, (byte)'"'), Find(bytes, (byte)'\\'), Find(folded, (byte)'{'), Find(folded, (byte)'}'), Find(bytes, (byte)','));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Find(Vector512<byte> bytes, byte value) => Vector512.Equals(bytes, Vector512.Create(value)).ExtractMostSignificantBits();
}
