using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Turns one field of every record of a table into values of a column. Stateless: one serves all threads.</summary>
internal abstract unsafe class CsvColumnReader
{
    /// <summary>Reads the fields of one column.</summary>
    /// <param name="table">The records.</param>
    /// <param name="field">Which field of each.</param>
    /// <param name="column">Position of the planned column, for <paramref name="bad"/>.</param>
    /// <param name="buffers">Takes the values; room for the table's rows and bytes is reserved.</param>
    /// <param name="bad">Takes the fields that do not fit the type. Their slots are null.</param>
    public abstract void Read(in CsvTable table, int field, int column, ColumnBuffers buffers, CsvBadFields bad);

    /// <summary>Makes the reader of a type; null when CSV text has no form for it.</summary>
    /// <param name="type">The type.</param>
    /// <param name="isInferred">Whether the type was inferred: then texts that <see cref="CsvTypeLattice"/> would have kept as text contradict it.</param>
    public static CsvColumnReader? Create(DataType type, bool isInferred) => type.Kind switch
    {
        TypeKind.String or TypeKind.Json => new CsvTextColumnReader(),
        TypeKind.Bool => new CsvBoolReader(),
        TypeKind.Int8 => new CsvValueReader<sbyte, SmallSigned<sbyte>>(default),
        TypeKind.Int16 => new CsvValueReader<short, SmallSigned<short>>(default),
        TypeKind.Int32 => new CsvValueReader<int, SmallSigned<int>>(default),
        TypeKind.Int64 => new CsvValueReader<long, Signed>(default),
        TypeKind.UInt8 => new CsvValueReader<byte, Unsigned<byte>>(default),
        TypeKind.UInt16 => new CsvValueReader<ushort, Unsigned<ushort>>(default),
        TypeKind.UInt32 => new CsvValueReader<uint, Unsigned<uint>>(default),
        TypeKind.UInt64 => new CsvValueReader<ulong, Unsigned<ulong>>(default),
        TypeKind.Float32 => new CsvValueReader<float, Single>(default),
        TypeKind.Float64 => new CsvValueReader<double, Double>(new Double(isInferred)),
        TypeKind.Decimal when type.ByteWidth == 8 => new CsvValueReader<long, Decimal64>(new Decimal64(type.Precision, type.Scale)),
        TypeKind.Decimal => new CsvValueReader<Int128, Decimal128>(new Decimal128(type.Precision, type.Scale)),
        TypeKind.Date => new CsvValueReader<int, Date>(default),
        TypeKind.Time => new CsvValueReader<long, Time>(default),
        TypeKind.Timestamp => new CsvValueReader<long, Timestamp>(new Timestamp(type.Unit == TimeUnit.Nanosecond, type.Zone is not null)),
        TypeKind.Uuid => new CsvValueReader<Int128, UuidText>(default),
        _ => null,
    };

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

    /// <summary>Reads text into a value of fixed width.</summary>
    private interface IFieldParser<T> where T : unmanaged
    {
        bool TryParse(byte* p, int length, out T value);
    }

    private sealed class CsvValueReader<T, TParser>(TParser parser) : CsvColumnReader
        where T : unmanaged
        where TParser : struct, IFieldParser<T>
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

        private static bool TryReadUnusual(in CsvTable table, byte* p, int length, int quote, TParser parser, out T value)
        {
            value = default;
            if (length <= 0)
                return false;
            if (*p != quote)
                return !IsNullMarker(table, p, length) && parser.TryParse(p, length, out value);
            // a number in quotes is a number; longer texts are none
            if (length > 128)
                return false;
            if (length > 2 && p[length - 1] == quote && parser.TryParse(p + 1, length - 2, out value))
                return true;
            var content = stackalloc byte[128 + BufferPool.Padding];
            var count = CsvQuotes.Unquote(p, length, (byte)quote, table.Escape, content);
            return count > 0 && parser.TryParse(content, count, out value);
        }
    }

    private sealed class CsvBoolReader : CsvColumnReader
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
                var value = IsTrue(p + quotes, length - 2 * quotes);
                var at = buffers.Rows + row;
                var mask = 1 << (at & 7);
                bits[at >> 3] = (byte)((bits[at >> 3] & ~mask) | (value ? mask : 0));
                if (value || IsFalse(p + quotes, length - 2 * quotes))
                    continue;
                MarkNull(buffers.Validity, at);
                nulls++;
                if (!IsNull(table, p, length, table.Quote))
                    bad.Add(row, column, WhatIsWrong(table, p, length));
            }
            buffers.Advance(table.Rows, nulls);
        }
    }

    /// <summary>Whether a text is <c>true</c> in any case.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsTrue(byte* p, int length) => length == 4 && (*(uint*)p | 0x20202020) == 0x65757274;

    /// <summary>Whether a text is <c>false</c> in any case.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsFalse(byte* p, int length) => length == 5 && (*(uint*)p | 0x20202020) == 0x736C6166 && (p[4] | 0x20) == 'e';

    private readonly struct Signed : IFieldParser<long>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryParse(byte* p, int length, out long value) => NumberParser.TryParseInt64(p, length, out value);
    }

    private readonly struct SmallSigned<T> : IFieldParser<T> where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        public bool TryParse(byte* p, int length, out T value)
        {
            var good = NumberParser.TryParseInt64(p, length, out var wide);
            value = T.CreateTruncating(wide);
            return good && long.CreateTruncating(value) == wide;
        }
    }

    private readonly struct Unsigned<T> : IFieldParser<T> where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        public bool TryParse(byte* p, int length, out T value)
        {
            var good = NumberParser.TryParseUInt64(p, length, out var wide);
            value = T.CreateTruncating(wide);
            return good && ulong.CreateTruncating(value) == wide;
        }
    }

    private readonly struct Double(bool codesAreText) : IFieldParser<double>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryParse(byte* p, int length, out double value) =>
            NumberParser.TryParseShortDouble(p, length, out value)
            || (NumberParser.TryParseLongDouble(p, length, out value) && !(codesAreText && NumberParser.MayBeCode(new ReadOnlySpan<byte>(p, length))));
    }

    private readonly struct Single : IFieldParser<float>
    {
        public bool TryParse(byte* p, int length, out float value) =>
            float.TryParse(new ReadOnlySpan<byte>(p, length), System.Globalization.NumberStyles.Float & ~System.Globalization.NumberStyles.AllowLeadingWhite & ~System.Globalization.NumberStyles.AllowTrailingWhite,
                System.Globalization.CultureInfo.InvariantCulture, out value);
    }

    private readonly struct Decimal64(int precision, int scale) : IFieldParser<long>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryParse(byte* p, int length, out long value) => NumberParser.TryParseDecimal64(p, length, precision, scale, out value);
    }

    private readonly struct Decimal128(int precision, int scale) : IFieldParser<Int128>
    {
        public bool TryParse(byte* p, int length, out Int128 value) => NumberParser.TryParseDecimal128(p, length, precision, scale, out value);
    }

    private readonly struct Date : IFieldParser<int>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryParse(byte* p, int length, out int value) => Temporal.TryParseDate(p, length, out value);
    }

    private readonly struct Time : IFieldParser<long>
    {
        public bool TryParse(byte* p, int length, out long value) => Temporal.TryParseTime(p, length, out value);
    }

    private readonly struct Timestamp(bool nanoseconds, bool utc) : IFieldParser<long>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryParse(byte* p, int length, out long value) => Temporal.TryParseTimestamp(p, length, nanoseconds, out value, out var hasZone) && hasZone == utc;
    }

    private readonly struct UuidText : IFieldParser<Int128>
    {
        public bool TryParse(byte* p, int length, out Int128 value)
        {
            value = default;
            if (length != 36 || !System.Buffers.Text.Utf8Parser.TryParse(new ReadOnlySpan<byte>(p, length), out Guid uuid, out var used) || used != 36)
                return false;
            fixed (Int128* target = &value)
                return uuid.TryWriteBytes(new Span<byte>(target, 16), bigEndian: true, out _);
        }
    }
}
