using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Turns one field of every record of a table into values of a column. Stateless: one serves all threads.</summary>
internal abstract unsafe class CsvColumnReader
{
    private const int LongestValue = 128;

    /// <summary>Reads the fields of one column.</summary>
    /// <param name="table">The records.</param>
    /// <param name="field">Which field of each.</param>
    /// <param name="column">Position of the planned column, for <paramref name="bad"/>.</param>
    /// <param name="buffers">Takes the values; room for the table's rows and bytes is reserved.</param>
    /// <param name="bad">Takes the fields that do not fit the type. Their slots are null.</param>
    public abstract void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad);

    /// <summary>Makes the reader of a type; null when CSV text has no form for it.</summary>
    /// <param name="type">The type.</param>
    /// <param name="isInferred">Whether the type was inferred: then texts that <see cref="CsvTypeLattice"/> would have kept as text contradict it. A type that
    /// the user named is read as strings are cast to it.</param>
    /// <param name="allowsLoss">Whether a cast may round.</param>
    /// <param name="isOurs">Whether the text is what <see cref="Writing.CsvBlockEncoder"/> wrote: it has forms for some values that
    /// mean nothing in files of others.</param>
    /// <param name="forms">How values are written; null for the usual way.</param>
    public static CsvColumnReader? Create(DataType type, bool isInferred, bool allowsLoss = false, bool isOurs = false, CsvValueForms? forms = null)
    {
        var casts = !isInferred && !isOurs;
        return type.Kind switch
        {
            TypeKind.Binary when isOurs => new CsvBase64ColumnReader(),
            TypeKind.Json when casts => new CsvJsonColumnReader(),
            TypeKind.String or TypeKind.Json => new CsvTextColumnReader(),
            TypeKind.Bool => new CsvBoolReader(casts),
            TypeKind.Int8 => Numbers<sbyte, SignedParser<sbyte>>(default),
            TypeKind.Int16 => Numbers<short, SignedParser<short>>(default),
            TypeKind.Int32 => Numbers<int, SignedParser<int>>(default),
            TypeKind.Int64 => Numbers<long, Int64Parser>(default),
            TypeKind.UInt8 => Numbers<byte, UnsignedParser<byte>>(default),
            TypeKind.UInt16 => Numbers<ushort, UnsignedParser<ushort>>(default),
            TypeKind.UInt32 => Numbers<uint, UnsignedParser<uint>>(default),
            TypeKind.UInt64 => Numbers<ulong, UnsignedParser<ulong>>(default),
            TypeKind.Float32 => Numbers<float, FloatWordsParser<float, SingleParser>>(default),
            TypeKind.Float64 => Numbers<double, FloatWordsParser<double, DoubleParser>>(new(new DoubleParser(codesAreText: isInferred && !isOurs))),
            TypeKind.Decimal when type.ByteWidth == 8 => Numbers<long, Decimal64Parser>(new Decimal64Parser(type.Precision, type.Scale)),
            TypeKind.Decimal => Numbers<Int128, Decimal128Parser>(new Decimal128Parser(type.Precision, type.Scale)),
            TypeKind.Date when forms?.Dates is { } format => new CsvValueReader<int, FormattedDateParser>(new(format), null, false),
            TypeKind.Date => Values<int, DateParser>(default),
            TypeKind.Time => Values<long, TimeParser>(new TimeParser(type.Unit == TimeUnit.Nanosecond)),
            TypeKind.Timestamp when forms?.Timestamps is { } format => new CsvValueReader<long, FormattedTimestampParser>(
                new(format, type.Unit == TimeUnit.Nanosecond, type.Zone is not null), null, false),
            TypeKind.Timestamp => Values<long, TimestampParser>(new TimestampParser(type.Unit == TimeUnit.Nanosecond, type.Zone is not null)),
            TypeKind.Uuid => Values<Int128, UuidParser>(default),
            _ => null,
        };

        CsvValueReader<T, TParser> Values<T, TParser>(TParser parser)
            where T : unmanaged
            where TParser : struct, IValueParser<T> => new(parser, casts ? TextMaps.Of<T>(type) : null, allowsLoss);

        CsvColumnReader Numbers<T, TParser>(TParser parser)
            where T : unmanaged
            where TParser : struct, IValueParser<T> => forms?.Numbers is not { } form ? Values<T, TParser>(parser)
                : new CsvValueReader<T, NumberFormParser<T, TParser>>(
                    new(form, parser), casts ? new NumberFormMap<T>(form, TextMaps.Of<T>(type)) : null, allowsLoss);
    }

    /// <summary>Whether a field that did not fit would have, had it been rounded.</summary>
    /// <param name="table">The records.</param>
    /// <param name="row">Which of them.</param>
    /// <param name="field">Which field.</param>
    public virtual bool WouldRound(in CsvTable table, int row, int field) => false;

    /// <summary>Sets the validity of rows about to be written to "not null".</summary>
    protected static void MarkValid(ColumnBuffers buffers, int rows)
    {
        var first = buffers.Rows;
        var bits = buffers.Validity;
        var end = first + rows;
        for (; first < end && (first & 7) != 0; first++)
            bits[first >> 3] |= (byte)(1 << (first & 7));
        if (first < end)
            new Span<byte>(bits + (first >> 3), (end - first + 7) >> 3).Fill(0xFF);
    }

    /// <summary>Sets one row to null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static void MarkNull(byte* validity, int row) => validity[row >> 3] &= (byte)~(1 << (row & 7));

    /// <summary>Whether an unquoted field stands for null.</summary>
    protected static bool IsNullMarker(in CsvTable table, byte* p, int length)
    {
        var field = new ReadOnlySpan<byte>(p, length);
        foreach (var marker in table.NullMarkers)
            if (field.SequenceEqual(marker))
                return true;
        return false;
    }

    /// <summary>Whether a field of a type that has no empty value stands for null.</summary>
    protected static bool IsNull(in CsvTable table, byte* p, int length, int quote) =>
        length <= 0 || (length == 2 && *p == quote && p[1] == quote) || IsNullMarker(table, p, length);

    /// <summary>Why a field does not fit: a reason when the quotes are wrong, null when it is the type.</summary>
    protected static string? WhatIsWrong(in CsvTable table, byte* p, int length) =>
        *p != table.Quote || CsvQuotes.IsClosedAtEnd(new ReadOnlySpan<byte>(p, length), (byte)table.Quote, table.Escape) ? null : CsvQuotes.TextBehindQuote;

    private sealed class CsvValueReader<T, TParser>(TParser parser, ITextMap<T>? cast, bool allowsLoss) : CsvColumnReader
        where T : unmanaged
        where TParser : struct, IValueParser<T>
    {
        public override void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
        {
            MarkValid(buffers, table.Rows);
            var values = (T*)buffers.Values + buffers.Rows;
            var data = table.Data;
            var before = table.Before + field;
            var ends = table.Ends + field;
            var stride = table.Stride;
            var quote = table.Quote;
            var rows = table.Rows;
            var trim = table.TrimReturn && field == stride - 1;
            var hasMarkers = table.NullMarkers.Length > 0;
            var nulls = 0;
            var local = parser;
            for (var row = 0; row < rows; row++, before += stride, ends += stride)
            {
                var from = *before + 1;
                var length = (int)(*ends - from);
                var p = data + from;
                if (trim && length > 0 && p[length - 1] == '\r')
                    length--;
                if (length > 0 && local.TryParse(p, length, out values[row]) && !hasMarkers)
                    continue;
                if (!TryReadUnusual(table, p, length, quote, local, out values[row]))
                {
                    MarkNull(buffers.Validity, buffers.Rows + row);
                    nulls++;
                    if (!IsNull(table, p, length, quote))
                        bad.Add(row, column, WhatIsWrong(table, p, length));
                }
            }
            buffers.Advance(rows, nulls);
        }

        public override bool WouldRound(in CsvTable table, int row, int field)
        {
            var text = table.Field(row, field);
            if (cast is null || text.Length is 0 or > LongestValue)
                return false;
            var content = stackalloc byte[LongestValue + BufferPool.Padding];
            text.CopyTo(new Span<byte>(content, LongestValue));
            fixed (byte* p = text)
            {
                var count = *p == table.Quote ? CsvQuotes.Unquote(p, text.Length, (byte)table.Quote, table.Escape, content) : text.Length;
                return count > 0 && cast.Map(content, count, out _) == Verdict.Loses;
            }
        }

        private bool TryReadUnusual(in CsvTable table, byte* p, int length, int quote, TParser parser, out T value)
        {
            value = default;
            if (length <= 0)
                return false;
            if (*p != quote)
                return !IsNullMarker(table, p, length) && (parser.TryParse(p, length, out value) || TryCast(p, length, out value));
            // a number in quotes is a number; longer texts are none
            if (length > LongestValue)
                return false;
            if (length > 2 && p[length - 1] == quote && parser.TryParse(p + 1, length - 2, out value))
                return true;
            var content = stackalloc byte[LongestValue + BufferPool.Padding];
            var count = CsvQuotes.Unquote(p, length, (byte)quote, table.Escape, content);
            return count > 0 && (parser.TryParse(content, count, out value) || TryCast(content, count, out value));
        }

        private bool TryCast(byte* p, int length, out T value)
        {
            value = default;
            return cast is not null && cast.Map(p, length, out value) <= (allowsLoss ? Verdict.Loses : Verdict.Kept);
        }
    }

    private sealed class CsvBoolReader(bool casts) : CsvColumnReader
    {
        public override void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad)
        {
            MarkValid(buffers, table.Rows);
            var bits = buffers.Values;
            var nulls = 0;
            for (var row = 0; row < table.Rows; row++)
            {
                var from = table.Before[row * table.Stride + field] + 1;
                var length = (int)(table.Ends[row * table.Stride + field] - from);
                var p = table.Data + from;
                if (table.TrimReturn && field == table.Stride - 1 && length > 0 && p[length - 1] == '\r')
                    length--;
                var quotes = length > 2 && *p == table.Quote && p[length - 1] == table.Quote ? 1 : 0;
                var value = BoolText.IsTrue(p + quotes, length - 2 * quotes);
                var isBool = value || BoolText.IsFalse(p + quotes, length - 2 * quotes) || (casts && length > 0 && !IsNullMarker(table, p, length)
                    && LooseText.TryReadBool(new ReadOnlySpan<byte>(p + quotes, length - 2 * quotes), out value));
                var at = buffers.Rows + row;
                var mask = 1 << (at & 7);
                bits[at >> 3] = (byte)((bits[at >> 3] & ~mask) | (value ? mask : 0));
                if (isBool)
                    continue;
                MarkNull(buffers.Validity, at);
                nulls++;
                if (!IsNull(table, p, length, table.Quote))
                    bad.Add(row, column, WhatIsWrong(table, p, length));
            }
            buffers.Advance(table.Rows, nulls);
        }
    }
}
