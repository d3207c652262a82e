using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>Compares 64 bytes with one byte: bit i of the mask is set where byte i is equal.</summary>
internal unsafe interface IByteMasks
{
    static abstract ulong Equal(byte* bytes, byte value);

    /// <summary>Whether positions are written by way of <see cref="ByteFilter"/>.</summary>
    static abstract bool FiltersBytes { get; }
}

/// <summary>Masks by 512-bit vectors.</summary>
internal readonly unsafe struct ByteMasks512 : IByteMasks
{
    public static bool FiltersBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ByteFilter.IsSupported;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Equal(byte* bytes, byte value) => Vector512.Equals(Vector512.Load(bytes), Vector512.Create(value)).ExtractMostSignificantBits();
}

/// <summary>Masks by 256-bit vectors.</summary>
internal readonly unsafe struct ByteMasks256 : IByteMasks
{
    public static bool FiltersBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Equal(byte* bytes, byte value)
    {
        var sought = Vector256.Create(value);
        return Vector256.Equals(Vector256.Load(bytes), sought).ExtractMostSignificantBits()
            | (ulong)Vector256.Equals(Vector256.Load(bytes + 32), sought).ExtractMostSignificantBits() << 32;
    }
}

/// <summary>Masks by 128-bit vectors.</summary>
internal readonly unsafe struct ByteMasks128 : IByteMasks
{
    public static bool FiltersBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Equal(byte* bytes, byte value)
    {
        var sought = Vector128.Create(value);
        return Vector128.Equals(Vector128.Load(bytes), sought).ExtractMostSignificantBits()
            | (ulong)Vector128.Equals(Vector128.Load(bytes + 16), sought).ExtractMostSignificantBits() << 16
            | (ulong)Vector128.Equals(Vector128.Load(bytes + 32), sought).ExtractMostSignificantBits() << 32
            | (ulong)Vector128.Equals(Vector128.Load(bytes + 48), sought).ExtractMostSignificantBits() << 48;
    }
}
