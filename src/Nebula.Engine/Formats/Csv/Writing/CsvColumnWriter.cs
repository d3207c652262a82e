using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>Writes the values of one column of a batch. Holds the column's pointers, which are good as long as the batch is.</summary>
internal unsafe struct CsvColumnWriter
{
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

    public CsvColumnWriter(Column column)
    {
        _kind = column.Type.Kind;
        _validity = Address(column.Validity);
        if (column.Dictionary is { } dictionary)
        {
            _indices = (int*)Address(MemoryMarshal.AsBytes(column.Indices));
            column = dictionary;
        }
        _offsets = (int*)Address(MemoryMarshal.AsBytes(column.Offsets));
        _values = column.Type.IsVariableBinary ? Address(column.Bytes) : column.Type.Kind == TypeKind.Bool ? Address(column.Bits) : Address(column.Values<byte>());
        _scale = column.Type.Scale;
        _wide = column.Type.ByteWidth == 16;
        _nanoseconds = column.Type.Unit == TimeUnit.Nanosecond;
        _utc = column.Type.Zone is not null;
    }

    /// <summary>Most bytes that a value takes when written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int MaxLength(int row)
    {
        if (_offsets is null)
            return 64;
        var at = _indices is null ? row : _indices[row];
        var length = _offsets[at + 1] - _offsets[at];
        return length > BufferPool.MaxCapacity / 2 - 64 ? BufferPool.MaxCapacity : 2 * length + 64;
    }

    /// <summary>Writes a value.</summary>
    /// <param name="p">Where to; <see cref="MaxLength"/> bytes and a vector behind are writable.</param>
    /// <param name="row">Which value.</param>
    /// <param name="options">How.</param>
    /// <returns>Behind what was written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Write(byte* p, int row, CsvWriteOptions options)
    {
        if (_validity != null && (_validity[row >> 3] >> (row & 7) & 1) == 0)
        {
            options.NullMarker.CopyTo(new Span<byte>(p, options.NullMarker.Length));
            return p + options.NullMarker.Length;
        }
        if (_offsets != null && _kind != TypeKind.Binary)
        {
            var at = _indices is null ? row : _indices[row];
            return WriteText(p, _values + _offsets[at], _offsets[at + 1] - _offsets[at], options);
        }
        if (!options.QuoteAll)
        {
            var end = WriteValue(p, row);
            if (!options.ChecksValues)
                return end;
            var text = new ReadOnlySpan<byte>(p, (int)(end - p));
            if (text.IndexOf(options.Delimiter) < 0 && !text.SequenceEqual(options.NullMarker))
                return end;
        }
        *p = options.Quote;
        p = WriteValue(p + 1, row);
        *p = options.Quote;
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteText(byte* p, byte* text, int length, CsvWriteOptions options)
    {
        if (length is > 0 and <= 32 && !options.QuoteAll && options.NullMarker.Length == 0)
        {
            var bytes = Vector256.Load(text);
            var special = Vector256.Equals(bytes, Vector256.Create(options.Delimiter)) | Vector256.Equals(bytes, Vector256.Create(options.Quote))
                | Vector256.Equals(bytes, Vector256.Create((byte)'\n')) | Vector256.Equals(bytes, Vector256.Create((byte)'\r'));
            if ((special.ExtractMostSignificantBits() & (uint)((1UL << length) - 1)) == 0)
            {
                Vector256.Store(bytes, p);
                return p + length;
            }
        }
        return WriteTextSlow(p, new ReadOnlySpan<byte>(text, length), options);
    }

    private static byte* WriteTextSlow(byte* p, ReadOnlySpan<byte> text, CsvWriteOptions options)
    {
        var needed = options.QuoteAll || text.SequenceEqual(options.NullMarker) || text.IsEmpty || text.IndexOfAny(options.Delimiter, options.Quote) >= 0 || text.IndexOfAny((byte)'\n', (byte)'\r') >= 0;
        if (!needed)
        {
            text.CopyTo(new Span<byte>(p, text.Length));
            return p + text.Length;
        }
        *p++ = options.Quote;
        while (!text.IsEmpty)
        {
            var at = text.IndexOf(options.Quote);
            var run = at < 0 ? text : text[..(at + 1)];
            run.CopyTo(new Span<byte>(p, run.Length));
            p += run.Length;
            if (at >= 0)
                *p++ = options.Quote;
            text = text[run.Length..];
        }
        *p++ = options.Quote;
        return p;
    }

    private byte* WriteValue(byte* p, int row)
    {
        switch (_kind)
        {
            case TypeKind.Bool:
                return WriteBool(p, (_values[row >> 3] >> (row & 7) & 1) != 0);
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
                return _wide ? NumberFormatter.WriteDecimal(p, ((Int128*)_values)[row], _scale) : NumberFormatter.WriteDecimal(p, ((long*)_values)[row], _scale);
            case TypeKind.Date:
                return Temporal.WriteDate(p, ((int*)_values)[row]);
            case TypeKind.Time:
                return Temporal.WriteTime(p, ((long*)_values)[row], _nanoseconds);
            case TypeKind.Timestamp:
                return _nanoseconds ? Temporal.WriteTimestamp(p, ((long*)_values)[row], true, _utc) : Temporal.WriteTimestamp(p, ((long*)_values)[row], false, _utc);
            case TypeKind.Uuid:
                var uuid = new Guid(new ReadOnlySpan<byte>(_values + 16 * row, 16), bigEndian: true);
                uuid.TryFormat(new Span<byte>(p, 36), out _);
                return p + 36;
            default:
                var at = _indices is null ? row : _indices[row];
                var bytes = new ReadOnlySpan<byte>(_values + _offsets[at], _offsets[at + 1] - _offsets[at]);
                Base64.EncodeToUtf8(bytes, new Span<byte>(p, Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out var written);
                return p + written;
        }
    }

    private static byte* WriteBool(byte* p, bool value)
    {
        var text = value ? "true"u8 : "false"u8;
        text.CopyTo(new Span<byte>(p, 5));
        return p + text.Length;
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
