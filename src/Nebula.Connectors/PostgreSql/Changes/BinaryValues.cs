using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Reads what the send functions of types give into the values that a snapshot has of them. What cannot be read is left to the text form, in which the
/// server prints every value.</summary>
internal static unsafe class BinaryValues
{
    private const byte JsonbVersion = 1;
    private const int UuidSize = 16;

    /// <summary>Whether columns that are asked for in a form can be read from a binary log.</summary>
    /// <param name="wire">The form in a snapshot.</param>
    public static bool CanRead(PostgreSqlWire wire) => wire is not (PostgreSqlWire.Cast or PostgreSqlWire.Printed or PostgreSqlWire.ToJson);

    /// <summary>Whether values of a type are read exactly into a column.</summary>
    /// <param name="type">The column.</param>
    /// <param name="published">How the values' type is read.</param>
    public static bool CanRead(DataType type, PostgreSqlType published) => CanRead(published.Wire) && (published.Type.Equals(type) || type.Kind switch
    {
        TypeKind.Int64 => published.Wire is PostgreSqlWire.Int4 or PostgreSqlWire.Int2,
        TypeKind.Int32 => published.Wire == PostgreSqlWire.Int2,
        TypeKind.String => published.Type.Kind == TypeKind.Json,
        TypeKind.Decimal => published.Type.Kind == TypeKind.Decimal && published.Type.Scale <= type.Scale
            && published.Type.Precision - published.Type.Scale <= type.Precision - type.Scale,
        _ => false,
    });

    /// <summary>Appends the values of a column in some rows.</summary>
    /// <param name="column">The column, which can take values of this form.</param>
    /// <param name="wire">What the bytes are.</param>
    /// <param name="at">Where each value is, with a pool's padding behind it.</param>
    /// <param name="lengths">The length of each; below 0 for a null.</param>
    /// <returns>False when the column cannot hold one; what is appended then is undefined.</returns>
    public static bool TryAppend(ColumnBuilder column, PostgreSqlWire wire, ReadOnlySpan<nint> at, ReadOnlySpan<int> lengths)
    {
        switch (wire)
        {
            case PostgreSqlWire.Bytes:
                AppendBytes(column, at, lengths);
                return true;
            case PostgreSqlWire.Int8 or PostgreSqlWire.Float8 when column.ByteWidth == sizeof(long):
                return TryAppend(column.AppendMany<long>(lengths), at, lengths);
            case PostgreSqlWire.Int4 or PostgreSqlWire.Float4 or PostgreSqlWire.Oid when column.ByteWidth == sizeof(int):
                return TryAppend(column.AppendMany<int>(lengths), at, lengths);
            case PostgreSqlWire.Bool:
                return TryAppendBools(column, at, lengths);
            case PostgreSqlWire.Timestamp:
                var times = column.AppendMany<long>(lengths);
                if (!TryAppend(times, at, lengths))
                    return false;
                for (var i = 0; i < times.Length; i++)
                    if (lengths[i] >= 0)
                    {
                        // the infinities, and what lies behind the last year
                        if (times[i] is > long.MaxValue - Epoch.MicrosecondsTo2000 or long.MinValue)
                            return false;
                        times[i] += Epoch.MicrosecondsTo2000;
                    }
                return true;
            default:
                for (var i = 0; i < lengths.Length; i++)
                    if (lengths[i] < 0)
                        column.AppendNull();
                    else if (!TryAppend(column, wire, (byte*)at[i], lengths[i]))
                        return false;
                return true;
        }
    }

    /// <summary>Gives the text of a value, as the server prints it.</summary>
    /// <param name="wire">What the bytes are.</param>
    /// <param name="type">The type that is read from them.</param>
    /// <param name="value">The bytes.</param>
    /// <returns>Null where only the server knows.</returns>
    public static string? TextOf(PostgreSqlWire wire, DataType type, ReadOnlySpan<byte> value) => wire switch
    {
        PostgreSqlWire.Int8 when value.Length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(value).ToString(CultureInfo.InvariantCulture),
        PostgreSqlWire.Int4 when value.Length == sizeof(int) => BinaryPrimitives.ReadInt32BigEndian(value).ToString(CultureInfo.InvariantCulture),
        PostgreSqlWire.Int2 when value.Length == sizeof(short) => BinaryPrimitives.ReadInt16BigEndian(value).ToString(CultureInfo.InvariantCulture),
        PostgreSqlWire.Oid when value.Length == sizeof(uint) => BinaryPrimitives.ReadUInt32BigEndian(value).ToString(CultureInfo.InvariantCulture),
        PostgreSqlWire.Bool when value.Length == sizeof(byte) => value[0] != 0 ? "t" : "f",
        PostgreSqlWire.Uuid when value.Length == UuidSize => new Guid(value, bigEndian: true).ToString(),
        PostgreSqlWire.Bytes when type.Kind == TypeKind.String => Encoding.UTF8.GetString(value),
        _ => null,
    };

    private static bool TryAppend<T>(Span<T> values, ReadOnlySpan<nint> at, ReadOnlySpan<int> lengths) where T : unmanaged, IBinaryInteger<T>
    {
        for (var i = 0; i < values.Length; i++)
            if (lengths[i] == sizeof(T))
                values[i] = Read<T>((byte*)at[i]);
            else if (lengths[i] < 0)
                values[i] = T.Zero;
            else
                return false;
        return true;
    }

    private static bool TryAppendBools(ColumnBuilder column, ReadOnlySpan<nint> at, ReadOnlySpan<int> lengths)
    {
        Span<byte> bits = stackalloc byte[Bitmap.ByteCount(PendingRows.Capacity)];
        bits.Clear();
        for (var i = 0; i < lengths.Length; i++)
            if (lengths[i] == sizeof(byte))
                bits[i >> 3] |= (byte)((*(byte*)at[i] != 0 ? 1 : 0) << (i & 7));
            else if (lengths[i] >= 0)
                return false;
        column.AppendMany(bits, lengths);
        return true;
    }

    private static void AppendBytes(ColumnBuilder column, ReadOnlySpan<nint> at, ReadOnlySpan<int> lengths)
    {
        var total = 0;
        foreach (var length in lengths)
            total = checked(total + Math.Max(length, 0));
        var target = column.ReserveBytes(total);
        for (var i = 0; i < lengths.Length; i++)
        {
            var length = lengths[i];
            if (length < 0)
                continue;
            // most texts are short, and how short cannot be foreseen: all are moved as one
            if (length <= Vector512<byte>.Count)
                Vector512.Load((byte*)at[i]).Store(target);
            else
                Buffer.MemoryCopy((void*)at[i], target, length, length);
            target += length;
        }
        column.AppendMany(lengths);
    }

    /// <summary>Appends one value of a type whose columns are rarer.</summary>
    private static bool TryAppend(ColumnBuilder column, PostgreSqlWire wire, byte* p, int length)
    {
        switch (wire)
        {
            case PostgreSqlWire.Int8 or PostgreSqlWire.Int4 or PostgreSqlWire.Int2 when length == SizeOf(wire):
                AppendInteger(column, wire, p);
                return true;
            case PostgreSqlWire.Numeric when length >= NumericReader.HeaderSize:
                return TryAppendNumber(column, new ReadOnlySpan<byte>(p, length));
            case PostgreSqlWire.Jsonb when length > sizeof(byte) && *p == JsonbVersion:
                column.AppendPadded(p + 1, length - 1);
                return true;
            case PostgreSqlWire.Date when length == sizeof(int) && Read<int>(p) is var days and not (int.MaxValue or int.MinValue):
                column.Append(days + Epoch.DaysTo2000);
                return true;
            case PostgreSqlWire.Time when length == sizeof(long) && Read<long>(p) is var time and < Epoch.MicrosecondsPerDay:
                column.Append(time);
                return true;
            case PostgreSqlWire.Uuid when length == UuidSize:
                column.Append(Unsafe.ReadUnaligned<UInt128>(p));
                return true;
            default:
                return false;
        }
    }

    private static int SizeOf(PostgreSqlWire wire) => wire switch { PostgreSqlWire.Int8 => sizeof(long), PostgreSqlWire.Int4 => sizeof(int), _ => sizeof(short) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Read<T>(byte* p) where T : unmanaged, IBinaryInteger<T>
    {
        if (typeof(T) == typeof(long))
        {
            var number = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<long>(p));
            return Unsafe.As<long, T>(ref number);
        }
        return T.ReadBigEndian(new ReadOnlySpan<byte>(p, sizeof(T)), isUnsigned: false);
    }

    /// <summary>Appends an integer to a column of its size, or of a larger one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AppendInteger(ColumnBuilder column, PostgreSqlWire wire, byte* p)
    {
        var number = wire switch
        {
            PostgreSqlWire.Int8 => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<long>(p)),
            PostgreSqlWire.Int4 => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<int>(p)),
            _ => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<short>(p)),
        };
        switch (column.Type.ByteWidth)
        {
            case sizeof(long):
                column.Append(number);
                break;
            case sizeof(int):
                column.Append((int)number);
                break;
            default:
                column.Append((short)number);
                break;
        }
    }

    private static bool TryAppendNumber(ColumnBuilder column, ReadOnlySpan<byte> value)
    {
        var (precision, scale) = (column.Type.Precision, column.Type.Scale);
        if (NumericReader.IsSpecial(value))
            return false;
        if (column.Type.ByteWidth == sizeof(long))
        {
            if (!NumericReader.TryReadShort(value, precision, scale, out var number))
                return false;
            column.Append(number);
            return true;
        }
        if (!NumericReader.TryRead(value, precision, scale, out var large))
            return false;
        column.Append(large);
        return true;
    }
}
