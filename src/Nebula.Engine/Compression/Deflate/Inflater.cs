using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Decodes raw deflate data (RFC 1951). Can stop at any byte of input or output and go on later; can be used again after <see cref="Reset"/>. Not
/// thread-safe.</summary>
internal sealed unsafe class Inflater : IDisposable
{
    /// <summary>Farthest distance of a match: so many bytes before the output must be kept.</summary>
    public const int HistorySize = 32 << 10;

    /// <summary>Output room with which every symbol, and the bytes that vector copies write too many, surely fit.</summary>
    public const int OutputMargin = 258 + MatchCopy.Overshoot + 32;

    private const int LiteralBits = 11;
    private const int DistanceBits = 9;
    private const int CodeLengthBits = 7;

    // Most entries that any code can need, sub-tables included, for 288 symbols and 11 bits, and for 32 symbols and 9 bits, rounded up. HuffmanTable.Build
    // checks it.
    private const int LiteralEntries = 2560;
    private const int DistanceEntries = 640;
    private const int CodeLengthEntries = 1 << CodeLengthBits;
    private const int LengthsOffset = (LiteralEntries + DistanceEntries + CodeLengthEntries) * sizeof(uint);
    private const int MaxLengths = DeflateCodes.LiteralsAndLengths + DeflateCodes.Distances;

    // Input the fast loop may look at beyond the byte it stands on: two refills of 8 bytes, each of which may advance by 8.
    private const int InputMargin = 32;

    private readonly PooledBuffer _tables;
    private State _state;
    private bool _isLastBlock;
    private bool _tablesAreFixed;
    private int _storedLeft;
    private ulong _bits;
    private int _bitCount;

    /// <summary>Makes a decoder at the start of its data.</summary>
    /// <param name="pool">Where its tables (14 KB) live.</param>
    public Inflater(BufferPool pool) => _tables = pool.Rent(LengthsOffset + MaxLengths);

    private enum State
    {
        BlockHeader,
        Stored,
        Symbols,
        Finished,
    }

    /// <summary>Whether the last block was decoded to its end.</summary>
    public bool IsFinished => _state == State.Finished;

    /// <summary>Whether the last call stopped because the output had no room for the next bytes.</summary>
    public bool NeedsOutput { get; private set; }

    private uint* LiteralTable => (uint*)_tables.Pointer;

    private uint* DistanceTable => (uint*)_tables.Pointer + LiteralEntries;

    private uint* CodeLengthTable => (uint*)_tables.Pointer + LiteralEntries + DistanceEntries;

    /// <summary>Goes back to the start, for other data.</summary>
    public void Reset()
    {
        _state = State.BlockHeader;
        _isLastBlock = false;
        (_bits, _bitCount) = (0, 0);
    }

    /// <summary>Decodes a whole deflate stream whose size is known or bounded.</summary>
    /// <param name="source">The compressed bytes; more may follow the stream.</param>
    /// <param name="target">Where the content goes.</param>
    /// <param name="consumed">Bytes of <paramref name="source"/> that belong to the stream.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DataFormatException">The data is corrupt, incomplete, or longer than <paramref name="target"/>.</exception>
    public int Decompress(ReadOnlySpan<byte> source, Span<byte> target, out int consumed)
    {
        Reset();
        fixed (byte* input = source)
        fixed (byte* output = target)
        {
            var inputAt = input;
            var outputAt = output;
            try
            {
                Inflate(ref inputAt, input + source.Length, output, ref outputAt, output + target.Length);
                if (NeedsOutput)
                    throw new CompressionFault($"it holds more than the {target.Length} bytes announced", inputAt - input);
            }
            catch (CompressionFault fault)
            {
                throw fault.ToDataFormatException("deflate", 0);
            }
            consumed = (int)(inputAt - input);
            return IsFinished ? (int)(outputAt - output) : throw CompressionFault.Truncated("deflate", source.Length);
        }
    }

    /// <summary>Decodes until the stream ends, the input is used up, or the next symbol does not fit the output.</summary>
    /// <param name="input">Where to read; afterwards the first byte not used.</param>
    /// <param name="inputEnd">End of the input.</param>
    /// <param name="history">First byte that matches may refer to, up to <see cref="HistorySize"/> before <paramref name="output"/>, contiguous with
    /// it.</param>
    /// <param name="output">Where to write; afterwards the byte behind the content.</param>
    /// <param name="outputEnd">End of the output; nothing is written there or behind.</param>
    /// <exception cref="CompressionFault">The data is corrupt; offsets count from <paramref name="input"/>.</exception>
    public void Inflate(ref byte* input, byte* inputEnd, byte* history, ref byte* output, byte* outputEnd)
    {
        var start = input;
        NeedsOutput = false;
        try
        {
            while (true)
            {
                var goesOn = _state switch
                {
                    State.BlockHeader => ReadBlockHeader(ref input, inputEnd),
                    State.Stored => CopyStored(ref input, inputEnd, ref output, outputEnd),
                    State.Symbols => DecodeSymbols(ref input, inputEnd, history, ref output, outputEnd),
                    _ => false,
                };
                if (!goesOn)
                    return;
            }
        }
        catch (CompressionFault fault)
        {
            throw new CompressionFault(fault.Message, input - start);
        }
    }

    public void Dispose() => _tables.Dispose();

    private bool ReadBlockHeader(ref byte* input, byte* inputEnd)
    {
        // The header is read as a whole or not at all: it is short, and going back needs only three values.
        var reader = new BitReader(_bits, _bitCount, input, inputEnd);
        if (!reader.TryRead(3, out var header))
            return false;
        var next = State.Symbols;
        switch (header >> 1)
        {
            case 0:
                reader.SkipToByte();
                if (!reader.TryRead(32, out var sizes))
                    return false;
                if ((sizes & 0xFFFF) != (sizes >> 16 ^ 0xFFFF))
                    throw new CompressionFault("the size of a stored block and its complement differ");
                _storedLeft = (int)(sizes & 0xFFFF);
                next = State.Stored;
                break;
            case 1:
                if (!_tablesAreFixed)
                    BuildTables(DeflateCodes.FixedLengths, DeflateCodes.LiteralsAndLengths);
                _tablesAreFixed = true;
                break;
            case 2:
                _tablesAreFixed = false;
                if (!TryReadCodes(ref reader))
                    return false;
                break;
            default:
                throw new CompressionFault("a block has the reserved type 3");
        }
        _isLastBlock = (header & 1) != 0;
        reader.Save(out _bits, out _bitCount, out input);
        _state = next;
        return true;
    }

    /// <summary>Reads the codes of a dynamic block (RFC 1951, section 3.2.7).</summary>
    private bool TryReadCodes(ref BitReader reader)
    {
        if (!reader.TryRead(14, out var sizes))
            return false;
        var literals = (int)(sizes & 31) + 257;
        var distances = (int)(sizes >> 5 & 31) + 1;
        var codeLengths = (int)(sizes >> 10) + 4;
        if (literals > 286)
            throw new CompressionFault($"a block declares {literals} literal and length codes; there are 286");

        Span<byte> lengthsOfLengths = stackalloc byte[DeflateCodes.CodeLengths];
        lengthsOfLengths.Clear();
        for (var i = 0; i < codeLengths; i++)
        {
            if (!reader.TryRead(3, out var length))
                return false;
            lengthsOfLengths[DeflateCodes.CodeLengthOrder[i]] = (byte)length;
        }
        if (!HuffmanTable.Build(lengthsOfLengths, DeflateCodes.CodeLengthResults, CodeLengthTable, CodeLengthEntries, CodeLengthBits))
            throw new CompressionFault("the code for code lengths is not a complete Huffman code");

        var lengths = new Span<byte>(_tables.Pointer + LengthsOffset, literals + distances);
        for (var i = 0; i < lengths.Length;)
        {
            if (!reader.TryDecode(CodeLengthTable, CodeLengthBits, out var symbol))
                return false;
            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }
            var (extraBits, least) = symbol switch { 16 => (2, 3u), 17 => (3, 3u), _ => (7, 11u) };
            if (!reader.TryRead(extraBits, out var repeat))
                return false;
            repeat += least;
            if (repeat > (uint)(lengths.Length - i))
                throw new CompressionFault("code lengths repeat beyond the last code");
            if (symbol == 16 && i == 0)
                throw new CompressionFault("the first code length repeats one before it");
            lengths.Slice(i, (int)repeat).Fill(symbol == 16 ? lengths[i - 1] : (byte)0);
            i += (int)repeat;
        }
        if (lengths[256] == 0)
            throw new CompressionFault("a block has no code for its end");
        BuildTables(lengths, literals);
        return true;
    }

    private void BuildTables(ReadOnlySpan<byte> lengths, int literals)
    {
        if (!HuffmanTable.Build(lengths[..literals], DeflateCodes.LiteralLengthResults, LiteralTable, LiteralEntries, LiteralBits))
            throw new CompressionFault("the literal and length code is not a complete Huffman code");
        if (!HuffmanTable.Build(lengths[literals..], DeflateCodes.DistanceResults, DistanceTable, DistanceEntries, DistanceBits))
            throw new CompressionFault("the distance code is not a complete Huffman code");
        HuffmanTable.PairLiterals(LiteralTable, LiteralBits);
    }

    private bool CopyStored(ref byte* input, byte* inputEnd, ref byte* output, byte* outputEnd)
    {
        // Bits are whole bytes here: blocks are stored from a byte boundary, and whole bytes went back to the input.
        var count = (int)Math.Min(_storedLeft, Math.Min(inputEnd - input, outputEnd - output));
        new ReadOnlySpan<byte>(input, count).CopyTo(new Span<byte>(output, count));
        input += count;
        output += count;
        _storedLeft -= count;
        if (_storedLeft > 0)
        {
            NeedsOutput = output == outputEnd;
            return false;
        }
        EndBlock();
        return true;
    }

    private void EndBlock() => _state = _isLastBlock ? State.Finished : State.BlockHeader;

    private bool DecodeSymbols(ref byte* input, byte* inputEnd, byte* history, ref byte* output, byte* outputEnd)
    {
        if (inputEnd - input >= InputMargin && outputEnd - output >= OutputMargin
            && DecodeFast(ref input, inputEnd - InputMargin, history, ref output, outputEnd - OutputMargin))
        {
            EndBlock();
            return true;
        }
        return DecodeCarefully(ref input, inputEnd, history, ref output, outputEnd);
    }

    /// <summary>Decodes while input and output have room for anything. True when the block ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool DecodeFast(ref byte* inputAt, byte* inputLimit, byte* history, ref byte* outputAt, byte* outputLimit)
    {
        const uint literalMask = (1u << LiteralBits) - 1;
        const uint distanceMask = (1u << DistanceBits) - 1;
        var literalTable = LiteralTable;
        var distanceTable = DistanceTable;
        var input = inputAt;
        var output = outputAt;
        var bits = _bits;
        var count = _bitCount;
        var ended = false;

        while (input <= inputLimit && output <= outputLimit)
        {
            Refill(ref bits, ref count, ref input);
            var entry = literalTable[(uint)bits & literalMask];
            if ((int)entry < 0)
            {
                // Three entries of at most 11 bits leave 23 of the 56: enough for a length with its extra bits (20).
                WriteLiterals(entry, ref bits, ref count, ref output);
                entry = literalTable[(uint)bits & literalMask];
                if ((int)entry < 0)
                {
                    WriteLiterals(entry, ref bits, ref count, ref output);
                    entry = literalTable[(uint)bits & literalMask];
                    if ((int)entry < 0)
                    {
                        WriteLiterals(entry, ref bits, ref count, ref output);
                        entry = literalTable[(uint)bits & literalMask];
                        if ((int)entry < 0)
                        {
                            WriteLiterals(entry, ref bits, ref count, ref output);
                            continue;
                        }
                    }
                }
            }
            if ((entry & HuffmanTable.Exception) != 0)
            {
                if ((entry & HuffmanTable.SubTable) != 0)
                {
                    Consume(entry, ref bits, ref count);
                    entry = literalTable[(entry >> 16) + ((uint)bits & ((1u << (int)(entry >> 8 & 15)) - 1))];
                    if ((int)entry < 0)
                    {
                        WriteLiterals(entry, ref bits, ref count, ref output);
                        continue;
                    }
                }
                if ((entry & HuffmanTable.Exception) != 0)
                {
                    if ((entry & HuffmanTable.EndOfBlock) == 0)
                    {
                        inputAt = input;
                        throw new CompressionFault("a literal or length code does not exist");
                    }
                    Consume(entry, ref bits, ref count);
                    ended = true;
                    break;
                }
            }
            var length = (entry >> 16) + ExtraBits(bits, entry);
            Consume(entry, ref bits, ref count);

            Refill(ref bits, ref count, ref input);
            entry = distanceTable[(uint)bits & distanceMask];
            if ((entry & HuffmanTable.Exception) != 0)
            {
                if ((entry & HuffmanTable.SubTable) != 0)
                {
                    Consume(entry, ref bits, ref count);
                    entry = distanceTable[(entry >> 16) + ((uint)bits & ((1u << (int)(entry >> 8 & 15)) - 1))];
                }
                if ((entry & HuffmanTable.Exception) != 0)
                {
                    inputAt = input;
                    throw new CompressionFault("a distance code does not exist");
                }
            }
            var distance = (entry >> 16) + ExtraBits(bits, entry);
            Consume(entry, ref bits, ref count);
            if (distance > (ulong)(output - history))
            {
                inputAt = input;
                throw new CompressionFault("a match begins before the start of the data");
            }
            MatchCopy.Copy(output, distance, (nint)length);
            output += length;
        }

        // Whole bytes go back, so that bits of the next call never depend on how far this loop looked ahead.
        inputAt = input - (count >> 3);
        outputAt = output;
        _bitCount = count & 7;
        _bits = bits & ((1ul << _bitCount) - 1);
        return ended;
    }

    /// <summary>Decodes symbol by symbol near an end of input or output, taking only what is complete.</summary>
    private bool DecodeCarefully(ref byte* input, byte* inputEnd, byte* history, ref byte* output, byte* outputEnd)
    {
        var reader = new BitReader(_bits, _bitCount, input, inputEnd);
        var goesOn = false;
        while (true)
        {
            reader.Save(out _bits, out _bitCount, out input);
            if (inputEnd - input > 2 * InputMargin && outputEnd - output > 2 * OutputMargin)
            {
                goesOn = true; // back to the fast loop
                break;
            }
            if (!reader.TryDecodeEntry(LiteralTable, LiteralBits, out var entry, out var length))
                break;
            if ((entry & HuffmanTable.Literal) != 0)
            {
                var literals = (int)(entry >> 24 & 3);
                if (NeedsOutput = outputEnd - output < literals)
                    break;
                output[0] = (byte)(entry >> 8);
                if (literals == 2)
                    output[1] = (byte)(entry >> 16);
                output += literals;
                continue;
            }
            if ((entry & HuffmanTable.EndOfBlock) != 0 && (entry & HuffmanTable.Exception) != 0)
            {
                reader.Save(out _bits, out _bitCount, out input);
                EndBlock();
                return true;
            }
            if ((entry & HuffmanTable.Exception) != 0)
                throw new CompressionFault("a literal or length code does not exist");
            if (!reader.TryDecodeEntry(DistanceTable, DistanceBits, out entry, out var distance))
                break;
            if ((entry & HuffmanTable.Exception) != 0)
                throw new CompressionFault("a distance code does not exist");
            if (distance > output - history)
                throw new CompressionFault("a match begins before the start of the data");
            if (NeedsOutput = outputEnd - output < length)
                break;
            for (var end = output + length; output < end; output++)
                *output = output[-distance];
        }
        return goesOn;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Refill(ref ulong bits, ref int count, ref byte* input)
    {
        // Bits above the count are those of the next byte already, so that or-ing the same ones again is harmless.
        bits |= Unsafe.ReadUnaligned<ulong>(input) << count;
        input += (63 - count) >> 3;
        count |= 56;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Consume(uint entry, ref ulong bits, ref int count)
    {
        bits >>= (int)entry;
        count -= (byte)entry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteLiterals(uint entry, ref ulong bits, ref int count, ref byte* output)
    {
        Consume(entry, ref bits, ref count);
        Unsafe.WriteUnaligned(output, (ushort)(entry >> 8));
        output += entry >> 24 & 3;
    }

    /// <summary>The extra bits of a length or distance, which follow its code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ExtraBits(ulong bits, uint entry) => (uint)(bits & ((1ul << (int)entry) - 1)) >> (int)(entry >> 8 & 15);
}
