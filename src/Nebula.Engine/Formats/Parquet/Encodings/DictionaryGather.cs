using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Looks up values of fixed width by their positions.</summary>
internal static unsafe class DictionaryGather
{
    /// <summary>The greatest of some positions.</summary>
    /// <param name="indices">The positions.</param>
    /// <param name="count">How many there are, at least one.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Max(uint* indices, int count)
    {
        var max = 0U;
        var i = 0;
        if (count >= Vector256<uint>.Count)
        {
            var greatest = Vector256<uint>.Zero;
            for (; count - i >= Vector256<uint>.Count; i += Vector256<uint>.Count)
                greatest = Vector256.Max(greatest, Vector256.Load(indices + i));
            for (var lane = 0; lane < Vector256<uint>.Count; lane++)
                max = Math.Max(max, greatest[lane]);
        }
        for (; i < count; i++)
            max = Math.Max(max, indices[i]);
        return max;
    }

    /// <summary>Looks up values. Positions must have been checked.</summary>
    /// <param name="dictionary">The values.</param>
    /// <param name="width">Bytes of a value: 1, 2, 4, 8, 12 or 16.</param>
    /// <param name="indices">The positions.</param>
    /// <param name="target">Where the values go.</param>
    /// <param name="count">Number of values.</param>
    public static void Gather(byte* dictionary, int width, uint* indices, byte* target, int count)
    {
        switch (width)
        {
            case 1:
                Gather(dictionary, indices, target, count);
                break;
            case 2:
                Gather((ushort*)dictionary, indices, (ushort*)target, count);
                break;
            case 4:
                Gather((uint*)dictionary, indices, (uint*)target, count);
                break;
            case 8:
                Gather((ulong*)dictionary, indices, (ulong*)target, count);
                break;
            case 16:
                Gather((Vector128<byte>*)dictionary, indices, (Vector128<byte>*)target, count);
                break;
            default:
                for (var i = 0; i < count; i++)
                    Unsafe.CopyBlockUnaligned(target + (long)i * width, dictionary + (long)indices[i] * width, (uint)width);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(T* dictionary, uint* indices, T* target, int count) where T : unmanaged
    {
        var i = 0;
        for (; i + 4 <= count; i += 4)
        {
            target[i] = dictionary[indices[i]];
            target[i + 1] = dictionary[indices[i + 1]];
            target[i + 2] = dictionary[indices[i + 2]];
            target[i + 3] = dictionary[indices[i + 3]];
        }
        for (; i < count; i++)
            target[i] = dictionary[indices[i]];
    }
}
