using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>
/// The row loop of the encoder: goes through the cursors of a batch and writes by plain pointers. Nothing here checks the space; see
/// <see cref="TextOutput"/>.
/// </summary>
/// <typeparam name="TKernel">How strings are copied.</typeparam>
internal sealed unsafe class JsonRowWriter<TKernel> : IJsonRowWriter where TKernel : struct, IStringKernel
{
    // from so many on, looking for what to escape is not worth its wrong predictions any more
    private const int MostEscapes = 64;
    private const uint Null = 'n' | 'u' << 8 | 'l' << 16 | 'l' << 24;

    /// <inheritdoc/>
    public byte* WriteRows(TextOutput output, JsonCursor* columns, int count, int rows, ushort separator, int separatorLength, bool omitNulls)
    {
        var p = output.Start;
        for (var row = 0; row < rows; row++)
        {
            p = WriteObject(p, columns, count, row, omitNulls, output);
            *(ushort*)p = separator;
            p += separatorLength;
        }
        return p;
    }

    /// <inheritdoc/>
    public byte* WriteValues(TextOutput output, JsonCursor* column, int rows, Span<int> offsets)
    {
        var p = output.Start;
        offsets[0] = 0;
        for (var row = 0; row < rows; row++)
        {
            if (column->Validity == null || (column->Validity[row >> 3] >> (row & 7) & 1) != 0)
                p = WriteValue(p, column, row, omitNulls: false, output);
            offsets[row + 1] = (int)(p - output.Start);
        }
        return p;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteObject(byte* p, JsonCursor* columns, int count, int index, bool omitNulls, TextOutput output)
    {
        var start = p - output.Start;
        for (var column = columns; column < columns + count; column++)
        {
            if (column->Validity != null && (column->Validity[index >> 3] >> (index & 7) & 1) == 0)
            {
                if (!omitNulls)
                    p = WriteNull(p, column);
                continue;
            }
            p = WriteValue(p, column, index, omitNulls, output);
        }
        return Close(p, output.Start + start, '{', '}');
    }

    /// <summary>Turns the comma in front of the first member into the opening bracket.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Close(byte* p, byte* start, char open, char close)
    {
        if (p == start)
            p++;
        *start = (byte)open;
        *p = (byte)close;
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WritePrefix(byte* p, JsonCursor* column)
    {
        Vector256.Load(column->Prefix).Store(p);
        if (column->PrefixLength > JsonNode.PrefixRun)
            WriteLongPrefix(p, column);
        return p + column->PrefixLength;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteLongPrefix(byte* p, JsonCursor* column) =>
        Unsafe.CopyBlockUnaligned(p + JsonNode.PrefixRun, column->Prefix + JsonNode.PrefixRun, (uint)(column->PrefixLength - JsonNode.PrefixRun));

    private static byte* WriteNull(byte* p, JsonCursor* column)
    {
        p = WritePrefix(p, column) - (column->Kind >= JsonValueKind.String ? 1 : 0);
        *(uint*)p = Null;
        return p + 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteValue(byte* p, JsonCursor* column, int index, bool omitNulls, TextOutput output)
    {
        p = WritePrefix(p, column);
        switch (column->Kind)
        {
            case JsonValueKind.Int64:
                return Digits.Write(p, ((long*)column->Values)[index]);
            case JsonValueKind.String:
                var offset = column->Offsets[index];
                return WriteString(p, column->Values + offset, column->Offsets[index + 1] - offset, output, column);
            case JsonValueKind.EscapedString:
                var escapedOffset = column->Offsets[index];
                return EscapedString.Write(p, column->Values + escapedOffset, column->Offsets[index + 1] - escapedOffset, output);
            case JsonValueKind.Bool:
                var isTrue = (column->Values[index >> 3] >> (index & 7) & 1) != 0;
                *(ulong*)p = isTrue ? 't' | 'r' << 8 | 'u' << 16 | (ulong)'e' << 24 : 'f' | 'a' << 8 | 'l' << 16 | (ulong)'s' << 24 | (ulong)'e' << 32;
                return p + (isTrue ? 4 : 5);
            case JsonValueKind.Float64:
                var number = ((double*)column->Values)[index];
                return double.IsFinite(number) ? NumberFormatter.WriteDouble(p, number, ref column->Places) : WriteNotFinite(p, number);
            case JsonValueKind.TimestampMicroseconds:
                return CloseQuote(Temporal.WriteTimestamp(p, ((long*)column->Values)[index], nanoseconds: false, column->IsUtc));
            case JsonValueKind.Decimal64:
                return NumberFormatter.WriteDecimal(p, ((long*)column->Values)[index], column->Scale);
            case JsonValueKind.Date:
                return CloseQuote(Temporal.WriteDate(p, ((int*)column->Values)[index]));
            case JsonValueKind.Int32:
                return Digits.Write(p, (long)((int*)column->Values)[index]);
            case JsonValueKind.DictionaryString:
                var entry = column->Indices[index];
                var entryOffset = column->Offsets[entry];
                return WriteString(p, column->Values + entryOffset, column->Offsets[entry + 1] - entryOffset, output, column);
            case JsonValueKind.Struct:
                return WriteStruct(p, column, index, omitNulls, output);
            case JsonValueKind.List:
                return WriteList(p, column, index, omitNulls, output);
            default:
                return WriteRare(p, column, index, omitNulls, output);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteRare(byte* p, JsonCursor* column, int index, bool omitNulls, TextOutput output) => column->Kind switch
    {
        JsonValueKind.Int8 => Digits.Write(p, (long)((sbyte*)column->Values)[index]),
        JsonValueKind.Int16 => Digits.Write(p, (long)((short*)column->Values)[index]),
        JsonValueKind.UInt8 => Digits.Write(p, (ulong)column->Values[index]),
        JsonValueKind.UInt16 => Digits.Write(p, (ulong)((ushort*)column->Values)[index]),
        JsonValueKind.UInt32 => Digits.Write(p, (ulong)((uint*)column->Values)[index]),
        JsonValueKind.UInt64 => Digits.Write(p, ((ulong*)column->Values)[index]),
        JsonValueKind.Float32 => WriteSingle(p, ((float*)column->Values)[index]),
        JsonValueKind.Decimal128 => NumberFormatter.WriteDecimal(p, ((Int128*)column->Values)[index], column->Scale),
        JsonValueKind.TimeMicroseconds => WriteTime(p, ((long*)column->Values)[index], nanoseconds: false),
        JsonValueKind.TimeNanoseconds => WriteTime(p, ((long*)column->Values)[index], nanoseconds: true),
        JsonValueKind.TimestampNanoseconds => CloseQuote(Temporal.WriteTimestamp(p, ((long*)column->Values)[index], nanoseconds: true, column->IsUtc)),
        JsonValueKind.Uuid => CloseQuote(UuidText.Write(p, column->Values + 16L * index)),
        JsonValueKind.Binary => WriteBase64(p, column->Values + column->Offsets[index], column->Offsets[index + 1] - column->Offsets[index]),
        JsonValueKind.Json => WriteJson(p, column->Values + column->Offsets[index], column->Offsets[index + 1] - column->Offsets[index]),
        _ => WriteMap(p, column, index, omitNulls, output),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteStruct(byte* p, JsonCursor* column, int index, bool omitNulls, TextOutput output) =>
        WriteObject(p, column->Children, column->ChildCount, index, omitNulls, output);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteList(byte* p, JsonCursor* column, int index, bool omitNulls, TextOutput output)
    {
        var start = p - output.Start;
        var element = column->Children;
        for (int i = column->Offsets[index], end = column->Offsets[index + 1]; i < end; i++)
            p = WriteElement(p, element, i, omitNulls, output);
        return Close(p, output.Start + start, '[', ']');
    }

    private static byte* WriteMap(byte* p, JsonCursor* column, int index, bool omitNulls, TextOutput output)
    {
        var start = p - output.Start;
        var key = column->Children;
        for (int i = column->Offsets[index], end = column->Offsets[index + 1]; i < end; i++)
        {
            p = WriteElement(p, key, i, omitNulls, output);
            if (key->Kind < JsonValueKind.String)
                *p++ = (byte)'"';
            p = WriteElement(p, key + 1, i, omitNulls, output);
        }
        return Close(p, output.Start + start, '{', '}');
    }

    private static byte* WriteElement(byte* p, JsonCursor* element, int index, bool omitNulls, TextOutput output) =>
        element->Validity != null && (element->Validity[index >> 3] >> (index & 7) & 1) == 0
            ? WriteNull(p, element)
            : WriteValue(p, element, index, omitNulls, output);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* CloseQuote(byte* p)
    {
        *p = (byte)'"';
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteString(byte* p, byte* text, int length, TextOutput output, JsonCursor* column)
    {
        if (length <= TKernel.Width && (TKernel.Copy(p, text) & Bits.Low(length)) == 0)
            return CloseQuote(p + length);
        return WriteLongString(p, text, length, output, column);
    }

    /// <summary>Strings longer than a register, and those with something to escape.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteLongString(byte* p, byte* text, int length, TextOutput output, JsonCursor* column)
    {
        while (length > 0)
        {
            var run = Math.Min(length, TKernel.Width);
            var mask = TKernel.Copy(p, text) & Bits.Low(run);
            if (mask == 0)
            {
                p += run;
                text += run;
                length -= run;
                continue;
            }
            if (TKernel.Width == Vector512<byte>.Count && ByteFilter.IsSupported && ++column->Escapes > MostEscapes && column->Kind == JsonValueKind.String)
            {
                column->Kind = JsonValueKind.EscapedString;
                return EscapedString.Write(p, text, length, output);
            }
            var plain = System.Numerics.BitOperations.TrailingZeroCount(mask);
            p = JsonEscapes.Write(output.Spend(p + plain, JsonEscapes.LengthOf(text[plain]) - 1), text[plain]);
            text += plain + 1;
            length -= plain + 1;
        }
        return CloseQuote(p);
    }

    /// <summary>JSON has no such numbers (RFC 8259 section 6); as text they are not lost.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteNotFinite(byte* p, double value)
    {
        var text = double.IsNaN(value) ? "\"NaN\""u8 : value > 0 ? "\"Infinity\""u8 : "\"-Infinity\""u8;
        text.CopyTo(new Span<byte>(p, text.Length));
        return p + text.Length;
    }

    private static byte* WriteSingle(byte* p, float value) => float.IsFinite(value) ? NumberFormatter.WriteSingle(p, value) : WriteNotFinite(p, value);

    /// <summary>A number that is no time of day is shown as it is.</summary>
    private static byte* WriteTime(byte* p, long value, bool nanoseconds) =>
        CloseQuote(Temporal.IsTimeOfDay(value, nanoseconds) ? Temporal.WriteTime(p, value, nanoseconds) : Digits.Write(p, value));

    private static byte* WriteBase64(byte* p, byte* bytes, int length)
    {
        Base64.EncodeToUtf8(new ReadOnlySpan<byte>(bytes, length), new Span<byte>(p, Base64.GetMaxEncodedToUtf8Length(length)), out _, out var written);
        return CloseQuote(p + written);
    }

    /// <summary>Line ends of a document can only stand between its tokens; blanks instead keep a record on its line.</summary>
    private static byte* WriteJson(byte* p, byte* text, int length)
    {
        if (length == 0)
        {
            *(uint*)p = Null;
            return p + 4;
        }
        var written = new Span<byte>(p, length);
        new ReadOnlySpan<byte>(text, length).CopyTo(written);
        for (int at; (at = written.IndexOfAny((byte)'\n', (byte)'\r')) >= 0; written = written[(at + 1)..])
            written[at] = (byte)' ';
        return p + length;
    }
}
