using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Byte strings as statistics compare and shorten them.</summary>
internal static unsafe class ByteArrayOrder
{
    /// <summary>Bounds have no more bytes than this; what is longer is cut, the greatest value upwards.</summary>
    public const int MaxBoundLength = 64;

    /// <summary>The first eight bytes as a number that compares as they do; missing ones count as 0. Equal numbers say nothing.</summary>
    /// <param name="value">First byte; eight must be readable.</param>
    /// <param name="length">Number of bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong PrefixOf(byte* value, int length)
    {
        var first = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(value));
        return length >= sizeof(ulong) ? first : length == 0 ? 0 : first & ulong.MaxValue << 64 - 8 * length;
    }

    /// <summary>Compares values.</summary>
    /// <param name="a">One value.</param>
    /// <param name="b">The other; of the same length where the kind is a number.</param>
    /// <param name="kind">What they are.</param>
    public static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ByteArrayKind kind)
    {
        if (kind == ByteArrayKind.FixedNumber && !a.IsEmpty && !b.IsEmpty && (a[0] ^ b[0]) >= 0x80)
            return a[0] >= 0x80 ? -1 : 1;
        return a.SequenceCompareTo(b);
    }

    /// <summary>Makes bounds of the least and the greatest value.</summary>
    /// <param name="min">The least value.</param>
    /// <param name="max">The greatest value.</param>
    /// <param name="isText">Whether values are UTF-8: bounds then are too.</param>
    public static ValueBounds BoundsOf(ReadOnlySpan<byte> min, ReadOnlySpan<byte> max, bool isText)
    {
        var lower = min.Length <= MaxBoundLength ? min.ToArray() : min[..CutLength(min, isText)].ToArray();
        var upper = max.Length <= MaxBoundLength ? max.ToArray() : RoundUp(max[..CutLength(max, isText)], isText);
        return upper is null ? default : new ValueBounds(lower, upper, min.Length <= MaxBoundLength, max.Length <= MaxBoundLength);
    }

    /// <summary>Longest prefix that fits, without a part of a character.</summary>
    private static int CutLength(ReadOnlySpan<byte> value, bool isText)
    {
        var length = MaxBoundLength;
        while (isText && length > 0 && IsContinuation(value[length]))
            length--;
        return length;
    }

    /// <summary>A byte string above all that start with a prefix; null when there is none as short.</summary>
    private static byte[]? RoundUp(ReadOnlySpan<byte> prefix, bool isText)
    {
        var end = prefix.Length;
        while (end > 0)
        {
            if (!isText)
            {
                if (prefix[end - 1] < byte.MaxValue)
                {
                    var raised = prefix[..end].ToArray();
                    raised[end - 1]++;
                    return raised;
                }
                end--;
                continue;
            }
            var start = end - 1;
            while (start > 0 && IsContinuation(prefix[start]))
                start--;
            if (RaiseCharacter(prefix, start, end) is { } text)
                return text;
            end = start;
        }
        return null;
    }

    private static byte[]? RaiseCharacter(ReadOnlySpan<byte> prefix, int start, int end)
    {
        if (System.Text.Rune.DecodeFromUtf8(prefix[start..end], out var rune, out _) != System.Buffers.OperationStatus.Done)
            return null;
        var next = rune.Value + 1;
        // surrogates are no characters
        if (next == 0xD800)
            next = 0xE000;
        if (next > 0x10FFFF)
            return null;
        var raised = new byte[start + 4];
        prefix[..start].CopyTo(raised);
        return raised[..(start + new System.Text.Rune(next).EncodeToUtf8(raised.AsSpan(start)))];
    }

    private static bool IsContinuation(byte value) => (value & 0xC0) == 0x80;
}
