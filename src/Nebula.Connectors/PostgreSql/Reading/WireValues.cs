using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>The values of one column in some rows of a binary <c>COPY</c>.</summary>
/// <param name="bytes">The rows.</param>
/// <param name="places">Where the value of the first row is.</param>
/// <param name="stride">How far behind a place that of the next row is.</param>
/// <param name="rows">Number of rows.</param>
internal readonly unsafe ref struct WireValues(byte* bytes, int* places, int stride, int rows)
{
    /// <summary>The length of null.</summary>
    public const int Null = -1;

    private const byte JsonbVersion = 1;

    /// <summary>Names what a value is that its column cannot hold.</summary>
    /// <param name="bytes">The rows.</param>
    /// <param name="place">Where the value is.</param>
    /// <param name="wire">What it is.</param>
    /// <returns>Null when the column can hold it.</returns>
    public static string? FaultOf(ReadOnlySpan<byte> bytes, int place, PostgreSqlWire wire)
    {
        var length = LengthAt(bytes, place);
        return wire switch
        {
            PostgreSqlWire.Numeric when length >= NumericReader.HeaderSize =>
                NumericReader.IsSpecial(bytes[place..]) ? NumericReader.NameOf(bytes[place..]) : null,
            PostgreSqlWire.Date when length == sizeof(int) => BinaryPrimitives.ReadInt32BigEndian(bytes[place..]) switch
            {
                int.MaxValue => "infinity",
                int.MinValue => "-infinity",
                _ => null,
            },
            PostgreSqlWire.Time when length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(bytes[place..]) >= Epoch.MicrosecondsPerDay ? "24:00:00" : null,
            PostgreSqlWire.Timestamp when length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(bytes[place..]) switch
            {
                long.MaxValue => "infinity",
                long.MinValue => "-infinity",
                > long.MaxValue - Epoch.MicrosecondsTo2000 => "a time after the year 294246",
                _ => null,
            },
            _ => null,
        };
    }

    /// <summary>Whether a value may be one that its column cannot hold; <see cref="FaultOf"/> tells which.</summary>
    /// <param name="wire">What the values are.</param>
    public bool MayHaveFaults(PostgreSqlWire wire) => wire switch
    {
        PostgreSqlWire.Numeric => MayHaveFaults<NumericFault>(),
        PostgreSqlWire.Date => MayHaveFaults<DateFault>(),
        PostgreSqlWire.Time => MayHaveFaults<TimeFault>(),
        PostgreSqlWire.Timestamp => MayHaveFaults<TimestampFault>(),
        _ => false,
    };

    /// <summary>Where a value ends.</summary>
    /// <param name="bytes">The rows.</param>
    /// <param name="place">Where it is.</param>
    public static int EndOf(ReadOnlySpan<byte> bytes, int place) => place + Math.Max(LengthAt(bytes, place), 0);

    /// <summary>Reads the values.</summary>
    /// <param name="wire">What they are.</param>
    /// <param name="column">Takes them.</param>
    /// <param name="expectedRows">Rows that will probably come, these included.</param>
    /// <param name="mostBytes">Most bytes that they may have.</param>
    /// <returns>False when a value is none of these.</returns>
    public bool Read(PostgreSqlWire wire, ColumnBuffers column, int expectedRows, int mostBytes)
    {
        var isText = column.Type.IsVariableBinary;
        var length = isText ? Math.Min(TotalLength(), mostBytes) : 0;
        var expectedBytes = Math.Min(length * 11L / 10 * expectedRows / Math.Max(rows, 1), mostBytes);
        column.Reserve(rows, length, column.Rows + expectedRows, (int)expectedBytes);
        MarkValid(column);
        return wire switch
        {
            PostgreSqlWire.Bool => ReadBools(column),
            PostgreSqlWire.Int2 => ReadFixed<short, Int2>(column),
            PostgreSqlWire.Int4 or PostgreSqlWire.Float4 or PostgreSqlWire.Oid => ReadFixed<int, Int4>(column),
            PostgreSqlWire.Int8 or PostgreSqlWire.Float8 or PostgreSqlWire.Time => ReadFixed<long, Int8>(column),
            PostgreSqlWire.Date => ReadFixed<int, Date>(column),
            PostgreSqlWire.Timestamp => ReadFixed<long, Timestamp>(column),
            PostgreSqlWire.Uuid => ReadFixed<UInt128, Uuid>(column),
            PostgreSqlWire.Numeric => column.Type.ByteWidth == sizeof(long) ? ReadShortNumbers(column) : ReadNumbers(column),
            PostgreSqlWire.Jsonb => ReadBytes(column, prefix: sizeof(byte)),
            _ => ReadBytes(column, prefix: 0),
        };
    }

    private static int LengthAt(ReadOnlySpan<byte> bytes, int place) => BinaryPrimitives.ReadInt32BigEndian(bytes[(place - sizeof(int))..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LengthOf(byte* value) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<int>(value - sizeof(int)));

    private static void MarkNull(byte* validity, int row) => validity[row >> 3] &= (byte)~(1 << (row & 7));

    private static bool NoNumber(int length) => length != Null;

    private bool MayHaveFaults<TFault>() where TFault : struct, IWireFault
    {
        var place = places;
        var any = false;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            any |= LengthOf(value) >= TFault.Length && TFault.Is(value);
        }
        return any;
    }

    private void MarkValid(ColumnBuffers column)
    {
        var first = column.Rows;
        var bits = column.Validity;
        var end = first + rows;
        for (; first < end && (first & 7) != 0; first++)
            bits[first >> 3] |= (byte)(1 << (first & 7));
        if (first < end)
            new Span<byte>(bits + (first >> 3), (end - first + 7) >> 3).Fill(0xFF);
    }

    private int TotalLength()
    {
        var total = 0;
        var place = places;
        for (var row = 0; row < rows; row++, place += stride)
            total += Math.Max(LengthOf(bytes + *place), 0);
        return total;
    }

    private bool ReadFixed<T, TReader>(ColumnBuffers column) where T : unmanaged where TReader : struct, IFixedReader<T>
    {
        var target = (T*)column.Values + column.Rows;
        var place = places;
        var nulls = 0;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            var length = LengthOf(value);
            if (length == sizeof(T))
                target[row] = TReader.Read(value);
            else if (NoNumber(length))
                return false;
            else
            {
                target[row] = default;
                MarkNull(column.Validity, column.Rows + row);
                nulls++;
            }
        }
        column.Advance(rows, nulls);
        return true;
    }

    private bool ReadBools(ColumnBuffers column)
    {
        var bits = column.Values;
        var place = places;
        var nulls = 0;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            var length = LengthOf(value);
            var at = column.Rows + row;
            var isSet = length == sizeof(byte) && *value != 0;
            bits[at >> 3] = (byte)((bits[at >> 3] & ~(1 << (at & 7))) | (isSet ? 1 : 0) << (at & 7));
            if (length == sizeof(byte))
                continue;
            if (NoNumber(length))
                return false;
            MarkNull(column.Validity, at);
            nulls++;
        }
        column.Advance(rows, nulls);
        return true;
    }

    private bool ReadShortNumbers(ColumnBuffers column)
    {
        var (precision, scale) = (column.Type.Precision, column.Type.Scale);
        var target = (long*)column.Values + column.Rows;
        var place = places;
        var nulls = 0;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            var length = LengthOf(value);
            if (length >= NumericReader.HeaderSize && NumericReader.TryReadShort(new ReadOnlySpan<byte>(value, length), precision, scale, out target[row]))
                continue;
            if (NoNumber(length))
                return false;
            target[row] = 0;
            MarkNull(column.Validity, column.Rows + row);
            nulls++;
        }
        column.Advance(rows, nulls);
        return true;
    }

    private bool ReadNumbers(ColumnBuffers column)
    {
        var (precision, scale) = (column.Type.Precision, column.Type.Scale);
        var target = (Int128*)column.Values + column.Rows;
        var place = places;
        var nulls = 0;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            var length = LengthOf(value);
            if (length >= NumericReader.HeaderSize && NumericReader.TryRead(new ReadOnlySpan<byte>(value, length), precision, scale, out var number))
            {
                target[row] = number;
                continue;
            }
            if (NoNumber(length))
                return false;
            target[row] = 0;
            MarkNull(column.Validity, column.Rows + row);
            nulls++;
        }
        column.Advance(rows, nulls);
        return true;
    }

    private bool ReadBytes(ColumnBuffers column, int prefix)
    {
        var offsets = column.Offsets + column.Rows;
        var start = column.Values;
        var target = start + *offsets;
        var place = places;
        var nulls = 0;
        for (var row = 0; row < rows; row++, place += stride)
        {
            var value = bytes + *place;
            var length = LengthOf(value);
            if (length >= prefix && (prefix == 0 || *value == JsonbVersion))
            {
                length -= prefix;
                // buffers have room behind them, which is more than short texts need
                if (length <= Vector512<byte>.Count)
                    Vector512.Load(value + prefix).Store(target);
                else
                    Buffer.MemoryCopy(value + prefix, target, length, length);
                target += length;
            }
            else if (NoNumber(length))
                return false;
            else
            {
                MarkNull(column.Validity, column.Rows + row);
                nulls++;
            }
            offsets[row + 1] = (int)(target - start);
        }
        column.Advance(rows, nulls);
        return true;
    }

    private interface IWireFault
    {
        /// <summary>The least length that is looked at.</summary>
        static abstract int Length { get; }

        static abstract bool Is(byte* value);
    }

    private readonly struct NumericFault : IWireFault
    {
        public static int Length => NumericReader.HeaderSize;

        public static bool Is(byte* value) => NumericReader.IsSpecial(new ReadOnlySpan<byte>(value, NumericReader.HeaderSize));
    }

    private readonly struct DateFault : IWireFault
    {
        public static int Length => sizeof(int);

        public static bool Is(byte* value) => Int4.Read(value) is int.MaxValue or int.MinValue;
    }

    private readonly struct TimeFault : IWireFault
    {
        public static int Length => sizeof(long);

        public static bool Is(byte* value) => Int8.Read(value) >= Epoch.MicrosecondsPerDay;
    }

    private readonly struct TimestampFault : IWireFault
    {
        public static int Length => sizeof(long);

        public static bool Is(byte* value) => Int8.Read(value) is > long.MaxValue - Epoch.MicrosecondsTo2000 or long.MinValue;
    }

    private interface IFixedReader<T> where T : unmanaged
    {
        static abstract T Read(byte* value);
    }

    private readonly struct Int2 : IFixedReader<short>
    {
        public static short Read(byte* value) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<short>(value));
    }

    private readonly struct Int4 : IFixedReader<int>
    {
        public static int Read(byte* value) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<int>(value));
    }

    private readonly struct Int8 : IFixedReader<long>
    {
        public static long Read(byte* value) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<long>(value));
    }

    private readonly struct Date : IFixedReader<int>
    {
        public static int Read(byte* value) => Int4.Read(value) + Epoch.DaysTo2000;
    }

    private readonly struct Timestamp : IFixedReader<long>
    {
        public static long Read(byte* value) => Int8.Read(value) + Epoch.MicrosecondsTo2000;
    }

    private readonly struct Uuid : IFixedReader<UInt128>
    {
        public static UInt128 Read(byte* value) => Unsafe.ReadUnaligned<UInt128>(value);
    }
}
