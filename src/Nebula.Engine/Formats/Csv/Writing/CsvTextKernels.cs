using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>The door to vector code for texts that are written. Special bytes are those that cannot stand outside quotes: delimiter, quote, CR and LF.</summary>
internal unsafe interface ICsvTextKernel
{
    /// <summary>Bytes of a run, up to 64.</summary>
    static abstract int Width { get; }

    /// <summary>Copies <see cref="Width"/> bytes and looks at them.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <param name="delimiter">Separates fields.</param>
    /// <param name="quote">Encloses fields.</param>
    /// <returns>A bit per byte that is special, the first byte lowest.</returns>
    static abstract ulong Copy(byte* target, byte* source, byte delimiter, byte quote);
}

/// <summary>The twin without vectors.</summary>
internal readonly unsafe struct ScalarCsvTextKernel : ICsvTextKernel
{
    /// <inheritdoc/>
    public static int Width => 8;

    /// <inheritdoc/>
    public static ulong Copy(byte* target, byte* source, byte delimiter, byte quote)
    {
        ulong mask = 0;
        for (var i = 0; i < 8; i++)
        {
            target[i] = source[i];
            if (source[i] == delimiter || source[i] == quote || source[i] is (byte)'\r' or (byte)'\n')
                mask |= 1UL << i;
        }
        return mask;
    }
}

/// <summary>16 bytes at a time.</summary>
internal readonly unsafe struct CsvTextKernel128 : ICsvTextKernel
{
    /// <inheritdoc/>
    public static int Width => 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source, byte delimiter, byte quote)
    {
        var bytes = Vector128.Load(source);
        bytes.Store(target);
        return (Vector128.Equals(bytes, Vector128.Create(delimiter)) | Vector128.Equals(bytes, Vector128.Create(quote))
            | Vector128.Equals(bytes, Vector128.Create((byte)'\r')) | Vector128.Equals(bytes, Vector128.Create((byte)'\n'))).ExtractMostSignificantBits();
    }
}

/// <summary>32 bytes at a time.</summary>
internal readonly unsafe struct CsvTextKernel256 : ICsvTextKernel
{
    /// <inheritdoc/>
    public static int Width => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source, byte delimiter, byte quote)
    {
        var bytes = Vector256.Load(source);
        bytes.Store(target);
        return (Vector256.Equals(bytes, Vector256.Create(delimiter)) | Vector256.Equals(bytes, Vector256.Create(quote))
            | Vector256.Equals(bytes, Vector256.Create((byte)'\r')) | Vector256.Equals(bytes, Vector256.Create((byte)'\n'))).ExtractMostSignificantBits();
    }
}

/// <summary>64 bytes at a time.</summary>
internal readonly unsafe struct CsvTextKernel512 : ICsvTextKernel
{
    /// <inheritdoc/>
    public static int Width => 64;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Copy(byte* target, byte* source, byte delimiter, byte quote)
    {
        var bytes = Vector512.Load(source);
        bytes.Store(target);
        return Vector512.Equals(bytes, Vector512.Create(delimiter)).ExtractMostSignificantBits()
            | Vector512.Equals(bytes, Vector512.Create(quote)).ExtractMostSignificantBits()
            | Vector512.Equals(bytes, Vector512.Create((byte)'\r')).ExtractMostSignificantBits()
            | Vector512.Equals(bytes, Vector512.Create((byte)'\n')).ExtractMostSignificantBits();
    }
}
