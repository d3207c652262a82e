using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>LZ4 blocks from span to span (LZ4 Block Format Description). A block tells neither its own nor its content's size.</summary>
internal static unsafe class Lz4Block
{
    /// <summary>Farthest distance of a match, in bytes.</summary>
    public const int MaxDistance = 65535;

    private const int MinMatch = 4;
    private const int HashBits = 12;

    // The format's two end conditions: the last match begins 12 bytes and ends 5 bytes before the end, at the latest.
    private const int LastMatchStart = 12;
    private const int LastLiterals = 5;

    /// <summary>Most bytes that a block with so much content can have.</summary>
    /// <param name="length">Length of the content in bytes.</param>
    public static int MaxCompressedLength(int length) => checked(length + length / 255 + 16);

    /// <summary>Compresses.</summary>
    /// <param name="source">The content.</param>
    /// <param name="target">Where the block goes; at least <see cref="MaxCompressedLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, MaxCompressedLength(source.Length), nameof(target));
        Span<int> table = stackalloc int[1 << HashBits];
        table.Clear();
        fixed (byte* input = source)
        fixed (byte* output = target)
        fixed (int* heads = table)
            return (int)(Encode(input, source.Length, output, heads) - output);
    }

    /// <summary>Decompresses.</summary>
    /// <param name="source">One block.</param>
    /// <param name="target">Where its content goes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DataFormatException">The block is corrupt, or its content longer than <paramref name="target"/>.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* input = source)
        fixed (byte* output = target)
        {
            try
            {
                return Decode(input, source.Length, output, output, target.Length);
            }
            catch (CompressionFault fault)
            {
                throw fault.ToDataFormatException("lz4", 0);
            }
        }
    }

    /// <summary>Decompresses a block whose matches may reach back before the output.</summary>
    /// <param name="input">The block.</param>
    /// <param name="inputLength">Its bytes.</param>
    /// <param name="history">First byte that matches may refer to; contiguous with the output.</param>
    /// <param name="output">Where its content goes.</param>
    /// <param name="capacity">Room there in bytes; nothing is written behind.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="CompressionFault">The block is corrupt.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Decode(byte* input, int inputLength, byte* history, byte* output, int capacity)
    {
        var start = input;
        var inputEnd = input + inputLength;
        var outputStart = output;
        var outputEnd = output + capacity;
        while (true)
        {
            if (input >= inputEnd)
                throw new CompressionFault("a block ends without its last literals", input - start);
            var token = *input++;
            nint literals = token >> 4;
            if (literals < 15 && inputEnd - input >= 16 && outputEnd - output >= 16)
            {
                Vector128.Load(input).Store(output);
            }
            else
            {
                if (literals == 15)
                    literals += ReadLength(ref input, inputEnd, start);
                if (literals > inputEnd - input)
                    throw new CompressionFault("literals reach beyond the end of their block", input - start);
                if (literals > outputEnd - output)
                    throw TooLong(capacity, input - start);
                Unsafe.CopyBlockUnaligned(output, input, (uint)literals);
            }
            input += literals;
            output += literals;
            if (input == inputEnd)
                return (int)(output - outputStart);

            if (inputEnd - input < 2)
                throw new CompressionFault("a block ends within a match", input - start);
            nuint distance = Unsafe.ReadUnaligned<ushort>(input);
            input += 2;
            nint length = (token & 15) + MinMatch;
            if ((token & 15) == 15)
                length += ReadLength(ref input, inputEnd, start);
            if (distance == 0 || distance > (nuint)(output - history))
                throw new CompressionFault($"a match begins {distance} bytes back, where there is no data", input - start);
            if (outputEnd - output >= length + MatchCopy.Overshoot)
                MatchCopy.Copy(output, distance, length);
            else if (length <= outputEnd - output)
                MatchCopy.CopyExactly(output, distance, length);
            else
                throw TooLong(capacity, input - start);
            output += length;
        }
    }

    private static nint ReadLength(ref byte* input, byte* inputEnd, byte* start)
    {
        nint length = 0;
        byte part;
        do
        {
            if (input >= inputEnd)
                throw new CompressionFault("a block ends within a length", input - start);
            part = *input++;
            length += part;
        }
        while (part == 255);
        return length;
    }

    private static CompressionFault TooLong(int capacity, long offset) => new($"a block holds more than the {capacity} bytes announced", offset);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte* Encode(byte* source, int length, byte* output, int* heads)
    {
        var input = source;
        var anchor = source;
        var end = source + length;
        if (length > LastMatchStart)
        {
            var matchLimit = end - LastMatchStart;
            var copyLimit = end - LastLiterals;
            // Position 0 stands for "none" too: it costs one comparison and never a wrong match.
            input++;
            var misses = 1 << 6;
            while (input <= matchLimit)
            {
                var word = Unsafe.ReadUnaligned<uint>(input);
                var slot = Hash(input);
                var candidate = source + heads[slot];
                heads[slot] = (int)(input - source);
                if (Unsafe.ReadUnaligned<uint>(candidate) != word || input - candidate > MaxDistance)
                {
                    input += misses++ >> 6; // data that does not compress is passed ever faster
                    continue;
                }
                misses = 1 << 6;
                while (input > anchor && candidate > source && input[-1] == candidate[-1])
                {
                    input--;
                    candidate--;
                }
                var matchEnd = EndOfMatch(input + MinMatch, candidate + MinMatch, copyLimit);
                output = WriteSequence(output, anchor, (int)(input - anchor), (int)(input - candidate), (int)(matchEnd - input));
                input = anchor = matchEnd;
                if (input <= matchLimit)
                    heads[Hash(input - 2)] = (int)(input - 2 - source);
            }
        }
        return WriteLastLiterals(output, anchor, (int)(end - anchor));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Hash(byte* at) => (int)((Unsafe.ReadUnaligned<ulong>(at) << 24) * 0x9E3779B185EBCA87 >> (64 - HashBits));

    private static byte* EndOfMatch(byte* input, byte* candidate, byte* limit)
    {
        for (; input + 8 <= limit; input += 8, candidate += 8)
        {
            var difference = Unsafe.ReadUnaligned<ulong>(input) ^ Unsafe.ReadUnaligned<ulong>(candidate);
            if (difference != 0)
                return input + (BitOperations.TrailingZeroCount(difference) >> 3);
        }
        while (input < limit && *input == *candidate)
        {
            input++;
            candidate++;
        }
        return input;
    }

    private static byte* WriteSequence(byte* output, byte* literals, int literalLength, int distance, int matchLength)
    {
        var token = output++;
        var rest = matchLength - MinMatch;
        *token = (byte)(Math.Min(literalLength, 15) << 4 | Math.Min(rest, 15));
        if (literalLength >= 15)
            output = WriteLength(output, literalLength - 15);
        Unsafe.CopyBlockUnaligned(output, literals, (uint)literalLength);
        output += literalLength;
        Unsafe.WriteUnaligned(output, (ushort)distance);
        output += 2;
        return rest >= 15 ? WriteLength(output, rest - 15) : output;
    }

    private static byte* WriteLastLiterals(byte* output, byte* literals, int length)
    {
        *output++ = (byte)(Math.Min(length, 15) << 4);
        if (length >= 15)
            output = WriteLength(output, length - 15);
        Unsafe.CopyBlockUnaligned(output, literals, (uint)length);
        return output + length;
    }

    private static byte* WriteLength(byte* output, int length)
    {
        for (; length >= 255; length -= 255)
            *output++ = 255;
        *output++ = (byte)length;
        return output;
    }
}
