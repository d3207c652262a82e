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

    /// <summary>Whether a value is null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsNull(int row) => _validity != null && (_validity[row >> 3] >> (row & 7) & 1) == 0;

    /// <summary>Bytes of a string, binary or JSON value; 0 for other types.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int ByteCount(int row)
    {
        if (_offsets == null)
            return 0;
        var at = _indices == null ? row : _indices[row];
        return _offsets[at + 1] - _offsets[at];
    }

    /// <summary>The first byte of a string, binary or JSON value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly byte* Bytes(int row) => _values + _offsets[_indices == null ? row : _indices[row]];

    /// <summary>Writes a value that is not null. Strings and JSON are written as they are, binary as base64.</summary>
    /// <param name="p">Where to; <see cref="MaxLength"/> bytes, and twice <see cref="ByteCount"/>, are writable.</param>
    /// <param name="row">Which value.</param>
    /// <returns>Behind what was written.</returns>
    public byte* Write(byte* p, int row)
    {
        switch (_kind)
        {
            case TypeKind.Bool:
                return BoolText.Write(p, (_values[row >> 3] >> (row & 7) & 1) != 0);
            case TypeKind.Int8:
                return Digits.Write(p, (long)((sbyte*)_values)[row]);
            case TypeKind.Int16:
                return Digits.Write(p, (long)((short*)_values)[row]);
            case TypeKind.Int32:
                return Digits.Write(p, (long)((int*)_values)[row]);
            case TypeKind.Int64:
                return Digits.Write(p, ((long*)_values)[row]);
            case TypeKind.UInt8:
                return Digits.Write(p, (ulong)_values[row]);
            case TypeKind.UInt16:
                return Digits.Write(p, (ulong)((ushort*)_values)[row]);
            case TypeKind.UInt32:
                return Digits.Write(p, (ulong)((uint*)_values)[row]);
            case TypeKind.UInt64:
                return Digits.Write(p, ((ulong*)_values)[row]);
            case TypeKind.Float32:
                return WriteFloat(p, ((float*)_values)[row]);
            case TypeKind.Float64:
                var number = ((double*)_values)[row];
                return double.IsFinite(number) ? NumberFormatter.WriteDouble(p, number, ref _places) : WriteFloat(p, (float)number);
            case TypeKind.Decimal:
                return _wide ? NumberFormatter.WriteDecimal(p, ((Int128*)_values)[row], _scale)
                    : NumberFormatter.WriteDecimal(p, ((long*)_values)[row], _scale);
            case TypeKind.Date:
                return Temporal.WriteDate(p, ((int*)_values)[row]);
            case TypeKind.Time:
                return Temporal.WriteTime(p, ((long*)_values)[row], _nanoseconds);
            case TypeKind.Timestamp:
                return _nanoseconds ? Temporal.WriteTimestamp(p, ((long*)_values)[row], true, _utc)
                    : Temporal.WriteTimestamp(p, ((long*)_values)[row], false, _utc);
            case TypeKind.Uuid:
                return UuidText.Write(p, _values + 16L * row);
            case TypeKind.Binary:
                var bytes = new ReadOnlySpan<byte>(Bytes(row), ByteCount(row));
                Base64.EncodeToUtf8(bytes, new Span<byte>(p, Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out var written);
                return p + written;
            default:
                new ReadOnlySpan<byte>(Bytes(row), ByteCount(row)).CopyTo(new Span<byte>(p, ByteCount(row)));
                return p + ByteCount(row);
        }
    }

    private static byte* WriteFloat(byte* p, float value)
    {
        if (float.IsFinite(value))
            return NumberFormatter.WriteSingle(p, value);
        var text = float.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8;
        text.CopyTo(new Span<byte>(p, 9));
        return p + text.Length;
    }

    private static byte* Address(ReadOnlySpan<byte> span) => span.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
