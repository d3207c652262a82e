using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>A range of bytes.</summary>
/// <param name="Start">The first.</param>
/// <param name="End">The one behind the last.</param>
internal readonly record struct SearchPlace(int Start, int End);

/// <summary>Snappy blocks from span to span (Snappy compressed format description). A block begins with the length of its content.</summary>
internal static unsafe class SnappyBlock
{
    private const int MinMatch = 4;
    private const int HashBits = 14;

    // Places are looked at two at a time: a match found late is extended to its start. After so many without a match the steps grow by one.
    private const int FirstStep = 2;
    private const int StepShift = 5;

    // Short literals are copied as one vector, which may be read and written too far.
    private const int ShortLiterals = 32;
    private const int SearchMargin = ShortLiterals;

    // Farthest that one element of the fast loop reads and writes.
    private const int FastInput = 80;
    private const int FastOutput = 128;

    /// <summary>By the tag of a copy: its length, the high bits of its distance (from bit 8), and the number of bytes that follow (from bit 11).</summary>
    private static readonly ushort[] Copies = MakeCopies();

    /// <summary>Most bytes that a block with so much content can have.</summary>
    /// <param name="length">Length of the content in bytes.</param>
    public static int MaxCompressedLength(int length) => checked(32 + length + length / 6);

    /// <summary>The length of a block's content, as the block claims it.</summary>
    /// <param name="source">The block.</param>
    /// <exception cref="DataFormatException">The block does not begin with a length.</exception>
    public static int ReadLength(ReadOnlySpan<byte> source)
    {
        try
        {
            return ReadLength(source, out _);
        }
        catch (CompressionFault fault)
        {
            throw fault.ToDataFormatException("snappy", 0);
        }
    }

    /// <summary>Compresses.</summary>
    /// <param name="source">The content.</param>
    /// <param name="target">Where the block goes; at least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> target) => Compress(source, target, [new(1, source.Length)]);

    /// <summary>
    /// Compresses, looking for repetitions only where they are likely: in the text of rows, say, and not in the numbers between. Those found may reach beyond.
    /// </summary>
    /// <param name="source">The content.</param>
    /// <param name="target">Where the block goes; at least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <param name="places">Where to look: first byte and the byte behind the last, rising, not the very first byte.</param>
    /// <returns>Bytes written.</returns>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> target, ReadOnlySpan<SearchPlace> places)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, MaxCompressedLength(source.Length), nameof(target));
        Span<ushort> table = stackalloc ushort[1 << HashBits];
        table.Clear();
        fixed (byte* input = source)
        fixed (byte* start = target)
        fixed (ushort* heads = table)
        fixed (SearchPlace* place = places)
        {
            var output = start;
            var length = (uint)source.Length;
            for (; length >= 0x80; length >>= 7)
                *output++ = (byte)(length | 0x80);
            *output++ = (byte)length;
            return (int)(Encode(input, source.Length, output, heads, place, places.Length) - start);
        }
    }

    /// <summary>Decompresses.</summary>
    /// <param name="source">One block.</param>
    /// <param name="target">Where its content goes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DataFormatException">The block is corrupt, or its content longer than <paramref name="target"/>.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        try
        {
            var length = ReadLength(source, out var used);
            if (length > target.Length)
                throw new CompressionFault($"a block announces {length} bytes, more than the {target.Length} there can be");
            Decode(source[used..], target[..length], allowRepeats: false);
            return length;
        }
        catch (CompressionFault fault)
        {
            throw fault.ToDataFormatException("snappy", 0);
        }
    }

    /// <summary>Reads the length at the start of a block.</summary>
    /// <exception cref="CompressionFault">There is none.</exception>
    internal static int ReadLength(ReadOnlySpan<byte> source, out int used)
    {
        var length = 0ul;
        for (used = 0; used < 5; used++)
        {
            if (used >= source.Length)
                throw new CompressionFault("a block ends within its length", used);
            length |= (ulong)(source[used] & 0x7F) << (7 * used);
            if (source[used] < 0x80)
            {
                used++;
                return length <= int.MaxValue ? (int)length : throw new CompressionFault($"a block announces {length} bytes, more than there can be");
            }
        }
        throw new CompressionFault("a block begins with a length of more than 5 bytes");
    }

    /// <summary>Decodes the elements of a block, which must fill the target.</summary>
    /// <param name="source">The block behind its length.</param>
    /// <param name="target">Where the content goes; its length is the one announced.</param>
    /// <param name="allowRepeats">Whether a one-byte copy with offset 0 repeats the offset before (S2).</param>
    /// <exception cref="CompressionFault">The block is corrupt.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Decode(ReadOnlySpan<byte> source, Span<byte> target, bool allowRepeats)
    {
        fixed (byte* start = source)
        fixed (byte* outputStart = target)
        {
            var input = start;
            var inputEnd = start + source.Length;
            var output = outputStart;
            var outputEnd = outputStart + target.Length;
            nuint distance = 0;
            while (input < inputEnd)
            {
                if (!allowRepeats && inputEnd - input > FastInput && outputEnd - output > FastOutput)
                {
                    DecodeFast(ref input, inputEnd - FastInput, outputStart, ref output, outputEnd - FastOutput);
                    // what stopped it is for the careful twin below
                }
                int tag = *input++;
                nint length = (tag >> 2) + 1;
                if ((tag & 3) == 0)
                {
                    if (length <= 16 && inputEnd - input >= 16 && outputEnd - output >= 16)
                    {
                        Vector128.Load(input).Store(output);
                    }
                    else
                    {
                        if (length > 60)
                            length = 1 + (nint)ReadInteger(ref input, inputEnd, (int)length - 60, start);
                        if (length > inputEnd - input || length > outputEnd - output)
                            throw new CompressionFault("literals reach beyond the end of their block", input - start);
                        Buffer.MemoryCopy(input, output, length, length);
                    }
                    input += length;
                    output += length;
                    continue;
                }
                if ((tag & 3) == 1)
                {
                    if (input == inputEnd)
                        throw CutOff(input - start);
                    length = (tag >> 2 & 7) + MinMatch;
                    var near = (uint)(tag >> 5) << 8 | *input++;
                    if (near != 0 || !allowRepeats)
                        distance = near;
                    else if (length > 8)
                        length = ReadRepeatLength(ref input, inputEnd, (int)length - 8, start);
                }
                else if ((tag & 3) == 2)
                {
                    if (inputEnd - input < 2)
                        throw CutOff(input - start);
                    distance = Unsafe.ReadUnaligned<ushort>(input);
                    input += 2;
                }
                else
                {
                    distance = ReadInteger(ref input, inputEnd, 4, start);
                }
                if (distance == 0 || distance > (nuint)(output - outputStart))
                    throw new CompressionFault($"a copy begins {distance} bytes back, where there is no data", input - start);
                if (outputEnd - output >= length + MatchCopy.Overshoot)
                    MatchCopy.Copy(output, distance, length);
                else if (length <= outputEnd - output)
                    MatchCopy.CopyExactly(output, distance, length);
                else
                    throw new CompressionFault($"a block holds more than the {target.Length} bytes announced", input - start);
                output += length;
            }
            if (output != outputEnd)
                throw new CompressionFault($"a block holds {output - outputStart} bytes, but {target.Length} are announced", input - start);
        }
    }

    /// <summary>Decodes elements while there is room to read and write in whole vectors, up to literals above 60 bytes or a copy from nowhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeFast(ref byte* input, byte* inputLimit, byte* outputStart, ref byte* output, byte* outputLimit)
    {
        var from = input;
        var to = output;
        fixed (ushort* copies = Copies)
            while (from < inputLimit && to < outputLimit)
            {
                uint tag = *from;
                if ((tag & 3) == 0)
                {
                    var literals = (tag >> 2) + 1;
                    if (literals > 60)
                        break;
                    Vector128.Load(from + 1).Store(to);
                    if (literals > 16)
                    {
                        Vector128.Load(from + 17).Store(to + 16);
                        Vector256.Load(from + 33).Store(to + 32);
                    }
                    from += literals + 1;
                    to += literals;
                    continue;
                }
                // one look-up for all three forms of copies: to branch on them would be to guess
                uint copy = copies[tag];
                var extra = (int)(copy >> 11);
                var distance = (copy & 0x700) + (Unsafe.ReadUnaligned<uint>(from + 1) & (uint)((1UL << (8 * extra)) - 1));
                if (distance - 1UL >= (ulong)(to - outputStart))
                    break;
                nint length = (nint)(copy & 0xFF);
                if (distance >= 32)
                {
                    var source = to - distance;
                    Vector256.Load(source).Store(to);
                    if (length > 32)
                        Vector256.Load(source + 32).Store(to + 32);
                }
                else
                {
                    MatchCopy.Copy(to, distance, length);
                }
                from += extra + 1;
                to += length;
            }
        input = from;
        output = to;
    }

    private static CompressionFault CutOff(long offset) => new("a block ends within an element", offset);

    private static ushort[] MakeCopies()
    {
        var copies = new ushort[256];
        for (var tag = 0; tag < copies.Length; tag++)
            copies[tag] = (ushort)((tag & 3) switch
            {
                1 => (tag >> 2 & 7) + MinMatch | tag >> 5 << 8 | 1 << 11,
                2 => (tag >> 2) + 1 | 2 << 11,
                3 => (tag >> 2) + 1 | 4 << 11,
                _ => 0,
            });
        return copies;
    }

    private static uint ReadInteger(ref byte* input, byte* inputEnd, int width, byte* start)
    {
        if (inputEnd - input < width)
            throw CutOff(input - start);
        var value = 0u;
        for (var i = 0; i < width; i++)
            value |= (uint)input[i] << (8 * i);
        input += width;
        return value;
    }

    /// <summary>The length of a repeat whose tag says that 1, 2 or 3 bytes of it follow (S2).</summary>
    private static nint ReadRepeatLength(ref byte* input, byte* inputEnd, int width, byte* start)
    {
        var least = width switch { 1 => 4, 2 => 1 << 8, _ => 1 << 16 };
        return (nint)ReadInteger(ref input, inputEnd, width, start) + least + MinMatch;
    }

    // The table knows the low 16 bits of places: whatever stands in a slot names some place less than 64 KB back, and only the bytes there decide.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Encode(byte* source, int length, byte* output, ushort* heads, SearchPlace* places, int placeCount)
    {
        var input = source;
        var anchor = source;
        var end = source + length;
        var limit = end - SearchMargin;
        if (length <= SearchMargin)
            placeCount = 0;
        for (var place = places; place < places + placeCount; place++)
        {
            if (input < source + place->Start)
                input = source + place->Start;
            var stop = source + place->End <= limit ? source + place->End : limit + 1;
            var misses = FirstStep << StepShift;
            while (input < stop)
            {
                var word = Unsafe.ReadUnaligned<uint>(input);
                var slot = Hash(Unsafe.ReadUnaligned<ulong>(input));
                var at = (ushort)(input - source);
                nint back = (ushort)(at - heads[slot]);
                var candidate = input - back;
                heads[slot] = at;
                if (Unsafe.ReadUnaligned<uint>(candidate) != word || back == 0)
                {
                    input += misses++ >> StepShift; // data that does not compress is passed ever faster
                    continue;
                }
                misses = FirstStep << StepShift;
                while (input > anchor && candidate > source && input[-1] == candidate[-1])
                {
                    input--;
                    candidate--;
                }
                var literals = (int)(input - anchor);
                if (literals > ShortLiterals)
                {
                    output = WriteLiterals(output, anchor, literals);
                }
                else if (literals > 0)
                {
                    *output++ = (byte)((literals - 1) << 2);
                    Vector256.Load(anchor).Store(output);
                    output += literals;
                }
                var distance = (int)(input - candidate);
                var match = MinMatch;
                while (input + match + 8 <= end)
                {
                    var difference = Unsafe.ReadUnaligned<ulong>(input + match) ^ Unsafe.ReadUnaligned<ulong>(candidate + match);
                    if (difference != 0)
                    {
                        match += BitOperations.TrailingZeroCount(difference) >> 3;
                        break;
                    }
                    match += 8;
                }
                if (match < 12 && distance < 2048)
                {
                    Unsafe.WriteUnaligned(output, (ushort)(distance << 8 | distance >> 8 << 5 | (match - MinMatch) << 2 | 1));
                    output += 2;
                }
                else if (match <= 64)
                {
                    Unsafe.WriteUnaligned(output, (uint)(distance << 8 | (match - 1) << 2 | 2));
                    output += 3;
                }
                else
                {
                    output = WriteCopy(output, distance, match);
                }
                input += match;
                anchor = input;
            }
        }
        return WriteLiterals(output, anchor, (int)(end - anchor));
    }

    // of five bytes: chance matches of four are hardly shorter than what they replace
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Hash(ulong bytes) => (int)((bytes << 24) * 0x9E37_79B9_7F4A_7C15 >> (64 - HashBits));

    private static byte* WriteLiterals(byte* output, byte* literals, int length)
    {
        if (length == 0)
            return output;
        var value = (uint)length - 1;
        if (value < 60)
        {
            *output++ = (byte)(value << 2);
        }
        else
        {
            var width = value < 1 << 8 ? 1 : value < 1 << 16 ? 2 : value < 1 << 24 ? 3 : 4;
            *output++ = (byte)((59 + width) << 2);
            Unsafe.WriteUnaligned(output, value);
            output += width;
        }
        Unsafe.CopyBlockUnaligned(output, literals, (uint)length);
        return output + length;
    }

    private static byte* WriteCopy(byte* output, int distance, int length)
    {
        // A rest shorter than 4 has no short form: the last but one copy leaves at least that much.
        for (; length >= 68; length -= 64)
            output = WriteLongCopy(output, distance, 64);
        if (length > 64)
        {
            output = WriteLongCopy(output, distance, 60);
            length -= 60;
        }
        if (length >= 12 || distance >= 2048)
            return WriteLongCopy(output, distance, length);
        *output++ = (byte)(distance >> 8 << 5 | (length - MinMatch) << 2 | 1);
        *output++ = (byte)distance;
        return output;
    }

    private static byte* WriteLongCopy(byte* output, int distance, int length)
    {
        *output++ = (byte)((length - 1) << 2 | 2);
        Unsafe.WriteUnaligned(output, (ushort)distance);
        return output + 2;
    }
}
