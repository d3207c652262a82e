using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Reads fields as texts: takes off their quotes and copies them side by side.</summary>
internal sealed unsafe class CsvTextColumnReader : CsvColumnReader
{
    // bytes of a text that are moved in any case
    private const int Copied = 64;

    public override void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
    {
        MarkValid(buffers, table.Rows);
        var nulls = ByteFilter.IsSupported && table.HasQuotes && table.Escape == table.Quote && table.NullMarkers.Length == 0 && SomeAreQuoted(table, field)
            ? ReadFiltered(table, field, column, buffers, bad)
            : ReadPlain(table, field, column, buffers, bad);
        buffers.Advance(table.Rows, nulls);
    }

    /// <summary>
    /// Whether quotes in a column are not rare, by a look at some of its fields: then it cannot be foreseen which have them, inside or around.
    /// </summary>
    private static bool SomeAreQuoted(in CsvTable table, int field)
    {
        const int Looks = 32;
        const int Few = 2;
        var step = Math.Max(1, table.Rows / Looks);
        var quoted = 0;
        for (var row = 0; row < table.Rows; row += step)
            quoted += table.Data[table.Before[row * table.Stride + field] + 1] == table.Quote ? 1 : 0;
        return quoted >= Few;
    }

    private static int ReadPlain(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
    {
        var data = table.Data;
        var before = table.Before + field;
        var ends = table.Ends + field;
        var stride = table.Stride;
        var rows = table.Rows;
        var quote = table.Quote;
        var trim = table.TrimReturn && field == stride - 1;
        var hasMarkers = table.NullMarkers.Length > 0;
        var nulls = 0;
        var offsets = buffers.Offsets + buffers.Rows;
        var start = buffers.Values;
        var target = start + *offsets;
        for (var row = 0; row < rows; row++, before += stride, ends += stride)
        {
            var from = *before + 1;
            var length = (int)(*ends - from);
            var p = data + from;
            if (trim && length > 0 && p[length - 1] == '\r')
                length--;
            target = length > 0 && *p != quote && !hasMarkers ? Move(p, length, target)
                : ReadUnusual(table, p, length, target, buffers, row, column, bad, ref nulls);
            offsets[row + 1] = (int)(target - start);
        }
        return nulls;
    }

    /// <summary>
    /// The same by way of <see cref="ByteFilter"/>: fields up to 64 bytes take one way whether they are quoted or not, have quotes inside or not.
    /// </summary>
    private static int ReadFiltered(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
    {
        var data = table.Data;
        var before = table.Before + field;
        var toEnds = (nint)(table.Ends - table.Before);
        var stride = table.Stride;
        var quote = (byte)table.Quote;
        var rows = table.Rows;
        var trim = table.TrimReturn && field == stride - 1;
        var nulls = 0;
        var offsets = buffers.Offsets + buffers.Rows;
        var start = buffers.Values;
        var target = start + *offsets;
        for (var row = 0; row < rows; row++, before += stride)
        {
            var from = *before + 1;
            var length = (int)(before[toEnds] - from);
            var p = data + from;
            if (trim && length > 0 && p[length - 1] == '\r')
                length--;
            var isQuoted = *p == quote ? 1u : 0;
            var content = length - 2 * (int)isQuoted;
            if (length != 0 && (uint)content <= (uint)Vector512<byte>.Count)
            {
                // one branch for all that is rare, and none for what is not
                var isOpen = isQuoted & (p[content + 1] == quote ? 0u : 1);
                var bytes = Vector512.Load(p + isQuoted);
                var available = Bits.Low(content);
                var quotes = Vector512.Equals(bytes, Vector512.Create(quote)).ExtractMostSignificantBits() & available & (0UL - isQuoted);
                var isSecond = 0UL;
                if ((CsvQuotes.FindSecond(quotes, ref isSecond, out var second) | isSecond | isOpen) == 0)
                {
                    var kept = available & ~second;
                    ByteFilter.Keep(bytes, kept).Store(target);
                    target += BitOperations.PopCount(kept);
                    offsets[row + 1] = (int)(target - start);
                    continue;
                }
            }
            target = ReadUnusual(table, p, length, target, buffers, row, column, bad, ref nulls);
            offsets[row + 1] = (int)(target - start);
        }
        return nulls;
    }

    /// <summary>Reads a field that is quoted, null, or has to be asked whether it is. Out of the loops, whose variables it would drive from the registers.</summary>
    /// <returns>Behind the copy.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ReadUnusual(
        in CsvTable table, byte* p, int length, byte* target, ColumnBuffers buffers, int row, int column, CsvBadFields bad, ref int nulls)
    {
        target = ReadField(table, p, length, target, out var isNull, out var isBad);
        if (isNull)
        {
            MarkNull(buffers.Validity, buffers.Rows + row);
            nulls++;
        }
        if (isBad)
            bad.Add(row, column, CsvQuotes.TextBehindQuote);
        return target;
    }

    /// <summary>Copies a text as it is.</summary>
    /// <returns>Behind the copy.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Move(byte* p, int length, byte* target)
    {
        // buffers are padded: whole vectors are moved whatever the length, as lengths around that of one could not be foreseen
        Vector256.Load(p).Store(target);
        Vector256.Load(p + Vector256<byte>.Count).Store(target + Vector256<byte>.Count);
        if (length > Copied)
            Unsafe.CopyBlockUnaligned(target + Copied, p + Copied, (uint)(length - Copied));
        return target + length;
    }

    /// <summary>Copies the text of a field without its quotes.</summary>
    /// <returns>Behind the copy.</returns>
    public static byte* ReadField(in CsvTable table, byte* p, int length, byte* target, out bool isNull, out bool isBad)
    {
        isNull = isBad = false;
        if (length <= 0)
            isNull = table.EmptyIsNull || length < 0;
        else if (*p == table.Quote)
        {
            var count = CsvQuotes.Unquote(p, length, (byte)table.Quote, table.Escape, target);
            isBad = count < 0;
            target += Math.Max(count, 0);
        }
        else if (table.NullMarkers.Length > 0 && IsNullMarker(table, p, length))
            isNull = true;
        else
            target = Move(p, length, target);
        return target;
    }
}
