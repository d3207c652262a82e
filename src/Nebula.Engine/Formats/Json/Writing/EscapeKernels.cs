using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>Copies a run of bytes and tells which of them cannot stand in a JSON string as they are: quote, backslash, and what lies below a blank (RFC 8259 section 7).</summary>
internal unsafe interface IEscapeKernel
{
    /// <summary>Bytes of a run.</summary>
    static abstract int Width { get; }

    /// <summary>Copies <see cref="Width"/> bytes.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <returns>A bit per byte, set where it must be escaped, the first byte lowest.</returns>
    static abstract ulong Copy(byte* target, byte* source);
}

/// <summary>The twin without vectors.</summary>
internal readonly unsafe struct ScalarEscapeKernel : IEscapeKernel
{
    /// <inheritdoc/>
    public static int Width => 8;

    /// <inheritdoc/>
    public static ulong Copy(byte* target, byte* source)
    {
        ulong mask = 0;
        for (var i = 0; i < 8; i++)
        {
            var c = source[i];
            target[i] = c;
            if (c < ' ' || c == '"' || c == '\\')
                mask |= 1UL << i;
        }
        return mask;
    }
}

/// <summary>16 bytes at a time.</summary>
internal readonly unsafe struct EscapeKernel128 : IEscapeKernel
{
    /// <inheritdoc/>
    public static int Width => 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector128.Load(source);
        bytes.Store(target);
        var escaped = Vector128.LessThan(bytes, Vector128.Create((byte)' ')) | Vector128.Equals(bytes, Vector128.Create((byte)'"'))
            | Vector128.Equals(bytes, Vector128.Create((byte)'\\'));
        return escaped.ExtractMostSignificantBits();
    }
}

/// <summary>32 bytes at a time.</summary>
internal readonly unsafe struct EscapeKernel256 : IEscapeKernel
{
    /// <inheritdoc/>
    public static int Width => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector256.Load(source);
        bytes.Store(target);
        var escaped = Vector256.LessThan(bytes, Vector256.Create((byte)' ')) | Vector256.Equals(bytes, Vector256.Create((byte)'"'))
            | Vector256.Equals(bytes, Vector256.Create((byte)'\\'));
        return escaped.ExtractMostSignificantBits();
    }
}

/// <summary>64 bytes at a time.</summary>
internal readonly unsafe struct EscapeKernel512 : IEscapeKernel
{
    /// <inheritdoc/>
    public static int Width => 64;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source)
    {
        var bytes = Vector512.Load(source);
        bytes.Store(target);
        var escaped = Vector512.LessThan(bytes, Vector512.Create((byte)' ')) | Vector512.Equals(bytes, Vector512.Create((byte)'"'))
            | Vector512.Equals(bytes, Vector512.Create((byte)'\\'));
        return escaped.ExtractMostSignificantBits();
    }
}
