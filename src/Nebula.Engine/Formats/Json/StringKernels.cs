using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Json;

/// <summary>
/// The door to vector code for tokens. Plain bytes are those that stand in a string as they are, read or written: all but quote, backslash, and what lies below
/// a blank (RFC 8259 section 7).
/// </summary>
internal unsafe interface IStringKernel
{
    /// <summary>Bytes of a run, up to 64.</summary>
    static abstract int Width { get; }

    /// <summary>Looks at <see cref="Width"/> bytes.</summary>
    /// <param name="source">The bytes.</param>
    /// <returns>A bit per byte that is not plain, the first byte lowest.</returns>
    static abstract ulong Find(byte* source);

    /// <summary>Looks at <see cref="Width"/> bytes and copies them.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <returns>A bit per byte that is not plain, the first byte lowest.</returns>
    static abstract ulong Copy(byte* target, byte* source);

    /// <summary>Bytes that <see cref="FindEnd"/> looks at.</summary>
    static abstract int EndWidth { get; }

    /// <summary>Looks for the end of a number or literal among <see cref="EndWidth"/> bytes.</summary>
    /// <param name="source">The bytes.</param>
    /// <returns>A bit per byte that is a comma, a closing bracket or brace, a blank or a control character, the first byte lowest.</returns>
    static abstract ulong FindEnd(byte* source);

    /// <summary>Looks for what is no decimal digit among <see cref="Width"/> bytes.</summary>
    /// <param name="source">The bytes.</param>
    /// <returns>A bit per byte that is none, the first byte lowest.</returns>
    static abstract ulong FindNoDigits(byte* source);

    /// <summary>Compares bytes.</summary>
    /// <param name="source">The bytes; <see cref="Width"/> can be read, whatever the length.</param>
    /// <param name="expected">What they should be; as readable.</param>
    /// <param name="length">How many of them count.</param>
    static abstract bool StartsWith(byte* source, byte* expected, int length);
}

/// <summary>The twin without vectors.</summary>
internal readonly unsafe struct ScalarStringKernel : IStringKernel
{
    /// <inheritdoc/>
    public static int Width => 8;

    /// <inheritdoc/>
    public static int EndWidth => 8;

    /// <inheritdoc/>
    public static ulong Find(byte* source)
    {
        ulong mask = 0;
        for (var i = 0; i < 8; i++)
            if (source[i] < ' ' || source[i] == '"' || source[i] == '\\')
                mask |= 1UL << i;
        return mask;
    }

    /// <inheritdoc/>
    public static ulong Copy(byte* target, byte* source)
    {
        Unsafe.CopyBlockUnaligned(target, source, 8);
        return Find(source);
    }

    /// <inheritdoc/>
    public static ulong FindEnd(byte* source)
    {
        ulong mask = 0;
        for (var i = 0; i < 8; i++)
            if (source[i] is <= (byte)' ' or (byte)',' or (byte)']' or (byte)'}')
                mask |= 1UL << i;
        return mask;
    }

    /// <inheritdoc/>
    public static ulong FindNoDigits(byte* source)
    {
        ulong mask = 0;
        for (var i = 0; i < 8; i++)
            if (!char.IsAsciiDigit((char)source[i]))
                mask |= 1UL << i;
        return mask;
    }

    /// <inheritdoc/>
    public static bool StartsWith(byte* source, byte* expected, int length)
    {
        for (var i = 0; i < length; i++)
            if (source[i] != expected[i])
                return false;
        return true;
    }
}

/// <summary>16 bytes at a time.</summary>
internal readonly unsafe struct StringKernel128 : IStringKernel
{
    /// <inheritdoc/>
    public static int Width => 16;

    /// <inheritdoc/>
    public static int EndWidth => 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Find(byte* source) => Special(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector128.Load(source);
        bytes.Store(target);
        return Special(bytes);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindEnd(byte* source)
    {
        var bytes = Vector128.Load(source);
        return (Vector128.LessThanOrEqual(bytes, Vector128.Create((byte)' ')) | Vector128.Equals(bytes, Vector128.Create((byte)','))
            | Vector128.Equals(bytes | Vector128.Create((byte)0x20), Vector128.Create((byte)'}'))).ExtractMostSignificantBits(); // 0x5D and 0x7D
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindNoDigits(byte* source) =>
        Vector128.GreaterThan(Vector128.Load(source) - Vector128.Create((byte)'0'), Vector128.Create((byte)9)).ExtractMostSignificantBits();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWith(byte* source, byte* expected, int length)
    {
        if (length > Width)
            return ScalarStringKernel.StartsWith(source, expected, length);
        var equal = Vector128.Equals(Vector128.Load(source), Vector128.Load(expected)).ExtractMostSignificantBits();
        return (~equal & (0xFFFFu >> (Width - length))) == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Special(Vector128<byte> bytes) => (Vector128.LessThan(bytes, Vector128.Create((byte)' '))
        | Vector128.Equals(bytes, Vector128.Create((byte)'"')) | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))).ExtractMostSignificantBits();
}

/// <summary>32 bytes at a time.</summary>
internal readonly unsafe struct StringKernel256 : IStringKernel
{
    /// <inheritdoc/>
    public static int Width => 32;

    /// <inheritdoc/>
    public static int EndWidth => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Find(byte* source) => Special(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector256.Load(source);
        bytes.Store(target);
        return Special(bytes);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindEnd(byte* source)
    {
        var bytes = Vector256.Load(source);
        return (Vector256.LessThanOrEqual(bytes, Vector256.Create((byte)' ')) | Vector256.Equals(bytes, Vector256.Create((byte)','))
            | Vector256.Equals(bytes | Vector256.Create((byte)0x20), Vector256.Create((byte)'}'))).ExtractMostSignificantBits(); // 0x5D and 0x7D
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindNoDigits(byte* source) =>
        Vector256.GreaterThan(Vector256.Load(source) - Vector256.Create((byte)'0'), Vector256.Create((byte)9)).ExtractMostSignificantBits();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWith(byte* source, byte* expected, int length)
    {
        if (length > Width)
            return ScalarStringKernel.StartsWith(source, expected, length);
        var equal = Vector256.Equals(Vector256.Load(source), Vector256.Load(expected)).ExtractMostSignificantBits();
        return (~equal & (uint.MaxValue >> (Width - length))) == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Special(Vector256<byte> bytes) => (Vector256.LessThan(bytes, Vector256.Create((byte)' '))
        | Vector256.Equals(bytes, Vector256.Create((byte)'"')) | Vector256.Equals(bytes, Vector256.Create((byte)'\\'))).ExtractMostSignificantBits();
}

/// <summary>64 bytes at a time.</summary>
internal readonly unsafe struct StringKernel512 : IStringKernel
{
    /// <inheritdoc/>
    public static int Width => 64;

    /// <inheritdoc/>
    public static int EndWidth => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Find(byte* source) => Special(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector512.Load(source);
        bytes.Store(target);
        return Special(bytes);
    }

    /// <inheritdoc/>
    /// <remarks>Keys and numbers are short: half a register seldom crosses a cache line.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindEnd(byte* source) => StringKernel256.FindEnd(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindNoDigits(byte* source) =>
        Vector512.GreaterThan(Vector512.Load(source) - Vector512.Create((byte)'0'), Vector512.Create((byte)9)).ExtractMostSignificantBits();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWith(byte* source, byte* expected, int length) => StringKernel256.StartsWith(source, expected, length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Special(Vector512<byte> bytes) => (Vector512.LessThan(bytes, Vector512.Create((byte)' '))
        | Vector512.Equals(bytes, Vector512.Create((byte)'"')) | Vector512.Equals(bytes, Vector512.Create((byte)'\\'))).ExtractMostSignificantBits();
}
