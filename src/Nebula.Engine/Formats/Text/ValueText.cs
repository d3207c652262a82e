using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Text;

/// <summary>The values of a column as plain text, without quotes. Holds the column's pointers, which are good as long as the column is.</summary>
internal unsafe struct ValueText
{
    /// <summary>Most bytes that a value of fixed width takes.</summary>
    public const int MaxLength = 64;

    private readonly TypeKind _kind;
    private readonly byte* _validity;
    private readonly byte* _values;
    private readonly int* _offsets;
    private readonly int* _indices;
    private readonly bool _nanoseconds;
    private readonly bool _utc;
    private readonly bool _wide;
    private readonly int _scale;
    private int _places;

    /// <param name="column">A column of any type but nested ones.</param>
    public ValueText(Column column)
    {
        _kind = column.Type.Kind;
        _validity = Address(column.Validity);
        if (column.Dictionary is { } dictionary)
        {
            _indices = (int*)Address(MemoryMarshal.AsBytes(column.Indices));
            column = dictionary;
        }
        _offsets = (int*)Address(MemoryMarshal.AsBytes(column.Offsets));
        _values = column.Type.IsVariableBinary
            ? Address(column.Bytes) : column.Type.Kind == TypeKind.Bool ? Address(column.Bits) : Address(column.Values<byte>());
        _scale = column.Type.Scale;
        _wide = column.Type.ByteWidth == 16;
        _nanoseconds = column.Type.Unit == TimeUnit.Nanosecond;
        _utc = column.Type.Zone is not null;
    }

    /// <summary>Whether the values are texts, written as they are.</summary>
    public readonly bool IsText => _kind is TypeKind.String or TypeKind.Json;

    /// <summary>Most bytes that a value takes, not counting those that <see cref="VariableBytes"/> counts.</summary>
    /// <param name="type">Type of the value.</param>
    public static int MostBytes(DataType type) => type.Kind switch
    {
        TypeKind.Bool => 5,
        TypeKind.Int8 or TypeKind.UInt8 => 4,
        TypeKind.Int16 or TypeKind.UInt16 => 6,
        TypeKind.Int32 or TypeKind.UInt32 => 11,
        TypeKind.Int64 or TypeKind.UInt64 => 20,
        TypeKind.Float32 or TypeKind.Float64 => 32,
        TypeKind.Decimal => type.ByteWidth == 8 ? 22 : 42,
        TypeKind.Date => 16,
        TypeKind.Time => 24,
        TypeKind.Timestamp => 40,
        TypeKind.Uuid => 36,
        TypeKind.Binary => 4, // what base64 fills up
        _ => 0,
    };

    /// <summary>
    /// Bytes of all strings, binary and JSON values of a column, the ones of binary values as base64 but for filling up; 0 for other types. Where a dictionary
    /// has short entries only, each counts as the longest.
    /// </summary>
    public static long VariableBytes(Column column)
    {
        const int Short = 32;
        if (column.Dictionary is { } dictionary)
        {
            var offsets = dictionary.Offsets;
            var longest = 0;
            for (var i = 0; i < dictionary.Length && longest <= Short; i++)
                longest = Math.Max(longest, offsets[i + 1] - offsets[i]);
            if (longest <= Short)
                return (long)longest * column.Length;
            long total = 0;
            foreach (var index in column.Indices)
                total += (uint)index < (uint)dictionary.Length ? offsets[index + 1] - offsets[index] : 0;
            return total;
        }
        if (!column.Type.IsVariableBinary || column.Length == 0)
            return 0;
        var bytes = (long)column.Offsets[column.Length] - column.Offsets[0];
        return column.Type.Kind == TypeKind.Binary ? bytes * 4 / 3 : bytes;
    }

    /// <summary>Whether a value is null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsNull(int row) => _validity != null && (_validity[row >> 3] >> (row & 7) & 1) == 0;

    /// <summary>A string, binary or JSON value as it is stored.</summary>
    /// <param name="row">Which value.</param>
    /// <param name="length">Number of bytes.</param>
    /// <returns>The first byte.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly byte* Bytes(int row, out int length)
    {
        var at = _indices == null ? row : _indices[row];
        var offset = _offsets[at];
        length = _offsets[at + 1] - offset;
        return _values + offset;
    }

    /// <summary>Writes a value that is not null. Strings and JSON are written as they are, binary as base64.</summary>
    /// <param name="p">Where to; <see cref="MaxLength"/> bytes are writable, and for strings, binary and JSON what <see cref="VariableBytes"/> counts.</param>
    /// <param name="row">Which value.</param>
    /// <returns>Behind what was written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Write(byte* p, int row)
    {
        switch (_kind)
        {
            case TypeKind.Int64:
                return Digits.Write(p, ((long*)_values)[row]);
            case TypeKind.Int32:
                return Digits.Write(p, (long)((int*)_values)[row]);
            case TypeKind.Bool:
                return BoolText.Write(p, (_values[row >> 3] >> (row & 7) & 1) != 0);
            case TypeKind.Date:
                return Temporal.WriteDate(p, ((int*)_values)[row]);
            case TypeKind.Timestamp when !_nanoseconds:
                return Temporal.WriteTimestamp(p, ((long*)_values)[row], nanoseconds: false, _utc);
            case TypeKind.Decimal when !_wide:
                return NumberFormatter.WriteDecimal(p, ((long*)_values)[row], _scale);
            case TypeKind.Float64:
                var number = ((double*)_values)[row];
                return double.IsFinite(number) ? NumberFormatter.WriteDouble(p, number, ref _places) : WriteNotFinite(p, number);
            default:
                return WriteRare(p, row);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly byte* WriteRare(byte* p, int row)
    {
        switch (_kind)
        {
            case TypeKind.Int8:
                return Digits.Write(p, (long)((sbyte*)_values)[row]);
            case TypeKind.Int16:
                return Digits.Write(p, (long)((short*)_values)[row]);
            case TypeKind.UInt8:
                return Digits.Write(p, (ulong)_values[row]);
            case TypeKind.UInt16:
                return Digits.Write(p, (ulong)((ushort*)_values)[row]);
            case TypeKind.UInt32:
                return Digits.Write(p, (ulong)((uint*)_values)[row]);
            case TypeKind.UInt64:
                return Digits.Write(p, ((ulong*)_values)[row]);
            case TypeKind.Float32:
                var number = ((float*)_values)[row];
                return float.IsFinite(number) ? NumberFormatter.WriteSingle(p, number) : WriteNotFinite(p, number);
            case TypeKind.Decimal:
                return NumberFormatter.WriteDecimal(p, ((Int128*)_values)[row], _scale);
            case TypeKind.Time:
                return Temporal.WriteTime(p, ((long*)_values)[row], _nanoseconds);
            case TypeKind.Timestamp:
                return Temporal.WriteTimestamp(p, ((long*)_values)[row], nanoseconds: true, _utc);
            case TypeKind.Uuid:
                return UuidText.Write(p, _values + 16L * row);
            default:
                var bytes = Bytes(row, out var length);
                if (_kind != TypeKind.Binary)
                {
                    Unsafe.CopyBlockUnaligned(p, bytes, (uint)length);
                    return p + length;
                }
                var encoded = new Span<byte>(p, Base64.GetMaxEncodedToUtf8Length(length));
                Base64.EncodeToUtf8(new ReadOnlySpan<byte>(bytes, length), encoded, out _, out var written);
                return p + written;
        }
    }

    private static byte* WriteNotFinite(byte* p, double value)
    {
        var text = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8;
        text.CopyTo(new Span<byte>(p, text.Length));
        return p + text.Length;
    }

    private static byte* Address(ReadOnlySpan<byte> span) => span.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
