using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>Writes the values of one column of a batch. Holds the column's pointers, which are good as long as the batch is.</summary>
internal unsafe struct CsvColumnWriter
{
    private readonly bool _isText;
    private ValueText _value;

    public CsvColumnWriter(Column column)
    {
        _isText = column.Type.Kind is TypeKind.String or TypeKind.Json;
        _value = new ValueText(column);
    }

    /// <summary>Most bytes that a value takes when written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int MaxLength(int row)
    {
        var length = _value.ByteCount(row);
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
        if (_value.IsNull(row))
        {
            options.NullMarker.CopyTo(new Span<byte>(p, options.NullMarker.Length));
            return p + options.NullMarker.Length;
        }
        if (_isText)
            return WriteText(p, _value.Bytes(row), _value.ByteCount(row), options);
        if (!options.QuoteAll)
        {
            var end = _value.Write(p, row);
            // no bytes at all would be null
            if (end > p && !options.ChecksValues)
                return end;
            var text = new ReadOnlySpan<byte>(p, (int)(end - p));
            if (end > p && text.IndexOf(options.Delimiter) < 0 && !text.SequenceEqual(options.NullMarker))
                return end;
        }
        *p = options.Quote;
        p = _value.Write(p + 1, row);
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
        var needed = options.QuoteAll || text.SequenceEqual(options.NullMarker) || text.IsEmpty || text.IndexOfAny(options.Delimiter, options.Quote) >= 0
            || text.IndexOfAny((byte)'\n', (byte)'\r') >= 0;
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
}
