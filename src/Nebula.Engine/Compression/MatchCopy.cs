using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Compression;

/// <summary>Copies earlier output to its end, where source and target may overlap: the inner loop of every LZ77 decoder.</summary>
internal static unsafe class MatchCopy
{
    /// <summary>Bytes that <see cref="Copy"/> may write behind the match.</summary>
    public const int Overshoot = 32;

    /// <summary>Copies a match, in whole vectors.</summary>
    /// <param name="output">The end of the output; the match and <see cref="Overshoot"/> bytes more must fit behind it.</param>
    /// <param name="distance">How far back the match begins, at least 1.</param>
    /// <param name="length">Bytes to copy, at least 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* output, nuint distance, nint length)
    {
        var source = output - distance;
        if (distance >= 32)
        {
            Vector256.Load(source).Store(output);
            while (length > 32)
            {
                source += 32;
                output += 32;
                length -= 32;
                Vector256.Load(source).Store(output);
            }
        }
        else
        {
            CopyNear(output, distance, length);
        }
    }

    /// <summary>Copies a match and writes nothing behind it.</summary>
    public static void CopyExactly(byte* output, nuint distance, nint length)
    {
        if (length > Overshoot)
        {
            Copy(output, distance, length - Overshoot);
            output += length - Overshoot;
            length = Overshoot;
        }
        for (var end = output + length; output < end; output++)
            *output = *(output - distance);
    }

    private static void CopyNear(byte* output, nuint distance, nint length)
    {
        var end = output + length;
        if (distance == 1)
        {
            var run = Vector256.Create(*(output - 1));
            for (; output < end; output += 32)
                run.Store(output);
            return;
        }
        var source = output - distance;
        if (distance >= 16)
        {
            for (; output < end; output += 16, source += 16)
                Vector128.Load(source).Store(output);
            return;
        }
        // What repeats every n bytes also repeats every 2n: write the pattern until whole words can be copied.
        while (distance < 8 && output < end)
        {
            Unsafe.WriteUnaligned(output, Unsafe.ReadUnaligned<ulong>(source));
            output += distance;
            distance *= 2;
        }
        for (source = output - distance; output < end; output += 8, source += 8)
            Unsafe.WriteUnaligned(output, Unsafe.ReadUnaligned<ulong>(source));
    }
}
