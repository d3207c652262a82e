using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Scanning;

/// <summary>
/// The scanner 64 bytes at a time: characters become bit masks, and the running parity of quotes tells which of them are quoted. Where parity is not the
/// whole truth (a quote inside an unquoted field, text behind a closing quote) the scalar scanner takes over for a while.
/// </summary>
/// <typeparam name="TMasks">How 64 bytes become a mask; decides the vector width.</typeparam>
internal sealed unsafe class VectorCsvScanner<TMasks>(string name) : ICsvScanner where TMasks : struct, IByteMasks
{
    private const int Chunk = 64;
    private static readonly ScalarCsvScanner Scalar = new();

    public string Name => name;

    public int Scan(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, uint* ends, int room)
    {
        if (!dialect.QuotesTellAll)
            return Scalar.Scan(bytes, length, dialect, ref state, ends, room);
        var count = 0;
        while (state.Position < length && count < room)
        {
            if (state.Mode == CsvScanMode.Field)
                count += Scalar.Scan(bytes, length, dialect, ref state, ends + count, 1);
            else
            {
                count += ScanRegular(bytes, length, dialect, ref state, ends + count, room - count, out var irregular);
                if (irregular)
                    count += Scalar.Scan(bytes, Math.Min(length, state.Position + Chunk), dialect, ref state, ends + count, room - count);
            }
        }
        return count;
    }

    public void FindLastLineEnd(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, ref int last)
    {
        if (!dialect.QuotesTellAll)
        {
            Scalar.FindLastLineEnd(bytes, length, dialect, ref state, ref last);
            return;
        }
        while (state.Position < length)
        {
            if (state.Mode == CsvScanMode.Field && dialect.HasQuotes)
            {
                uint end;
                if (Scalar.Scan(bytes, length, dialect, ref state, &end, 1) == 1 && state.Mode == CsvScanMode.RecordStart)
                    last = (int)end;
                continue;
            }
            FindRegular(bytes, length, dialect, ref state, ref last, out var irregular);
            if (irregular)
                Scalar.FindLastLineEnd(bytes, Math.Min(length, state.Position + Chunk), dialect, ref state, ref last);
        }
    }

    private static int ScanRegular(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, uint* ends, int room, out bool irregular)
    {
        var position = state.Position;
        var delimiter = dialect.Delimiter;
        var newLine = dialect.NewLine;
        var quote = dialect.Quote;
        var hasQuotes = dialect.HasQuotes;
        var parity = new QuoteParity(state.Mode);
        var count = 0;
        long lines = 0;
        var records = 0;
        ulong seen = 0;
        irregular = false;
        for (; position < length && count < room; position += Chunk)
        {
            var delimiters = TMasks.Equal(bytes + position, delimiter);
            var newLines = TMasks.Equal(bytes + position, newLine);
            var quotes = hasQuotes ? TMasks.Equal(bytes + position, quote) : 0;
            if (length - position < Chunk)
            {
                var valid = (1UL << (length - position)) - 1;
                delimiters &= valid;
                newLines &= valid;
                quotes &= valid;
            }
            var fields = delimiters | newLines;
            var recordEnds = newLines;
            seen |= quotes;
            if ((quotes | parity.Quoted) != 0)
            {
                if (!parity.TryAdvance(quotes, fields, bytes + position, newLine, length - position, out var inside))
                {
                    irregular = true;
                    break;
                }
                fields &= ~inside;
                recordEnds &= ~inside;
            }
            else if (!parity.TryPass(fields, bytes + position, newLine))
            {
                irregular = true;
                break;
            }
            lines += BitOperations.PopCount(newLines);
            records += BitOperations.PopCount(recordEnds);
            count += WritePositions(fields, (uint)position, ends + count);
        }
        state.Lines += lines;
        state.Records += records;
        state.SawQuotes |= seen != 0;
        Leave(bytes, Math.Min(position, length), parity.Quoted != 0, dialect, ref state);
        return count;
    }

    private static void FindRegular(byte* bytes, int length, in CsvScanDialect dialect, ref CsvScanState state, ref int last, out bool irregular)
    {
        var position = state.Position;
        var delimiter = dialect.Delimiter;
        var newLine = dialect.NewLine;
        var quote = dialect.Quote;
        var parity = new QuoteParity(state.Mode);
        irregular = false;
        for (; position < length; position += Chunk)
        {
            var newLines = TMasks.Equal(bytes + position, newLine);
            var quotes = dialect.HasQuotes ? TMasks.Equal(bytes + position, quote) : 0;
            var fields = newLines | TMasks.Equal(bytes + position, delimiter);
            if (length - position < Chunk)
            {
                var valid = (1UL << (length - position)) - 1;
                newLines &= valid;
                quotes &= valid;
                fields &= valid;
            }
            if ((quotes | parity.Quoted) != 0)
            {
                if (!parity.TryAdvance(quotes, fields, bytes + position, newLine, length - position, out var inside))
                {
                    irregular = true;
                    break;
                }
                newLines &= ~inside;
            }
            else if (!parity.TryPass(fields, bytes + position, newLine))
            {
                irregular = true;
                break;
            }
            if (newLines != 0)
                last = position + Chunk - 1 - BitOperations.LeadingZeroCount(newLines);
        }
        Leave(bytes, Math.Min(position, length), parity.Quoted != 0, dialect, ref state);
    }

    private static void Leave(byte* bytes, int position, bool inQuotes, in CsvScanDialect dialect, ref CsvScanState state)
    {
        if (position == state.Position)
            return;
        state.Position = position;
        var previous = bytes[position - 1];
        state.Mode = inQuotes ? CsvScanMode.Quoted
            : previous == dialect.NewLine ? CsvScanMode.RecordStart
            : previous == dialect.Delimiter ? CsvScanMode.FieldStart
            : dialect.HasQuotes && previous == dialect.Quote ? CsvScanMode.QuoteInQuoted
            : CsvScanMode.Field;
    }

    /// <summary>Writes the positions of set bits, sixteen or eight at a time without a look at how many there are: a misprediction would cost more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WritePositions(ulong bits, uint start, uint* ends)
    {
        var count = BitOperations.PopCount(bits);
        if (TMasks.FiltersBytes)
        {
            var positions = ByteFilter.Keep(Vector512<byte>.Indices, bits);
            var offset = Vector512.Create(start);
            (Avx512F.ConvertToVector512UInt32(positions.GetLower().GetLower()) + offset).Store(ends);
            if (count > 16)
            {
                (Avx512F.ConvertToVector512UInt32(positions.GetLower().GetUpper()) + offset).Store(ends + 16);
                (Avx512F.ConvertToVector512UInt32(positions.GetUpper().GetLower()) + offset).Store(ends + 32);
                (Avx512F.ConvertToVector512UInt32(positions.GetUpper().GetUpper()) + offset).Store(ends + 48);
            }
            return count;
        }
        WriteEight(ref bits, start, ends);
        for (var written = 8; written < count; written += 8)
            WriteEight(ref bits, start, ends + written);
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteEight(ref ulong bits, uint start, uint* ends)
    {
        var rest = bits;
        ends[0] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[1] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[2] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[3] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[4] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[5] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[6] = start + (uint)BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        ends[7] = start + (uint)BitOperations.TrailingZeroCount(rest);
        bits = rest & (rest - 1);
    }

    /// <summary>Which bytes are quoted, from chunk to chunk, as long as every quote opens at the start of a field and closes at its end.</summary>
    private ref struct QuoteParity(CsvScanMode mode)
    {
        /// <summary>All ones when the next chunk starts inside quotes, else 0.</summary>
        public ulong Quoted = mode == CsvScanMode.Quoted ? ulong.MaxValue : 0;

        private ulong _mayOpen = mode is CsvScanMode.RecordStart or CsvScanMode.FieldStart or CsvScanMode.QuoteInQuoted ? 1UL : 0;
        private ulong _closed = mode == CsvScanMode.QuoteInQuoted ? 1UL : 0;

        /// <summary>Goes over a chunk that has quotes or starts quoted.</summary>
        /// <param name="quotes">The quotes in it.</param>
        /// <param name="fields">All delimiters and line ends in it.</param>
        /// <param name="chunk">Its bytes.</param>
        /// <param name="newLine">The line end.</param>
        /// <param name="available">Bytes from the start of the chunk on.</param>
        /// <param name="inside">The bytes that are quoted, opening quotes included.</param>
        /// <returns>False, with nothing changed, when the quotes do not tell all.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryAdvance(ulong quotes, ulong fields, byte* chunk, byte newLine, int available, out ulong inside)
        {
            inside = Bits.PrefixXor(quotes) ^ Quoted;
            var closing = quotes & ~inside;
            var expected = fields | quotes;
            var behind = (closing << 1 | _closed) & ~expected;
            if (available < Chunk)
                behind &= (1UL << available) - 1;
            if ((quotes & inside & ~(expected << 1 | _mayOpen)) != 0 || (behind != 0 && !IsReturn(behind, chunk, newLine)))
                return false;
            Quoted = (ulong)((long)inside >> 63);
            _mayOpen = expected >> 63;
            _closed = closing >> 63;
            return true;
        }

        /// <summary>Goes over a chunk without quotes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryPass(ulong fields, byte* chunk, byte newLine)
        {
            if ((_closed & ~fields) != 0 && !IsReturn(1, chunk, newLine))
                return false;
            _mayOpen = fields >> 63;
            _closed = 0;
            return true;
        }

        /// <summary>Whether each of the bytes is a carriage return in front of the line end. The byte behind the chunk is readable.</summary>
        private static bool IsReturn(ulong positions, byte* chunk, byte newLine)
        {
            for (; positions != 0; positions &= positions - 1)
            {
                var at = BitOperations.TrailingZeroCount(positions);
                if (chunk[at] != '\r' || chunk[at + 1] != newLine)
                    return false;
            }
            return true;
        }
    }
}
