using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>The row loop of the encoder: writes by plain pointers. Nothing here checks the space; see <see cref="TextOutput"/>.</summary>
/// <typeparam name="TKernel">How texts are copied.</typeparam>
internal sealed unsafe class CsvRowWriter<TKernel>(CsvWriteOptions options) : ICsvRowWriter where TKernel : struct, ICsvTextKernel
{
    /// <inheritdoc/>
    public byte* WriteRows(TextOutput output, ValueText* columns, int count, int rows)
    {
        var delimiter = options.Delimiter;
        var quote = options.Quote;
        var isPlain = !options.QuoteAll && !options.ChecksValues;
        var lineEnd = options.LineEnd.Length == 2 ? (ushort)('\r' | '\n' << 8) : (ushort)'\n';
        // the line end takes the place of the last delimiter
        var lineEndLength = options.LineEnd.Length - Math.Min(count, 1);
        var behind = columns + count;
        var p = output.Start;
        for (var row = 0; row < rows; row++)
        {
            for (var column = columns; column < behind; column++)
            {
                if (column->IsNull(row))
                    p = WriteNull(p);
                else if (!isPlain)
                    p = WriteChecked(p, column, row, output);
                else if (column->IsText)
                {
                    var text = column->Bytes(row, out var length);
                    p = length <= TKernel.Width && length > 0 && (TKernel.Copy(p, text, delimiter, quote) & Bits.Low(length)) == 0
                        ? p + length : WriteUnusualText(p, text, length, output);
                }
                else
                {
                    var end = column->Write(p, row);
                    p = end > p ? end : WriteEmpty(p);
                }
                *p++ = delimiter;
            }
            *(ushort*)(p - Math.Min(count, 1)) = lineEnd;
            p += lineEndLength;
        }
        return p;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* WriteNull(byte* p)
    {
        var marker = options.NullMarker;
        if (marker.Length > 0)
            marker.CopyTo(new Span<byte>(p, marker.Length));
        return p + marker.Length;
    }

    /// <summary>No bytes at all would be null.</summary>
    private byte* WriteEmpty(byte* p)
    {
        p[0] = p[1] = options.Quote;
        return p + 2;
    }

    /// <summary>A value that is quoted whatever it is, or that could hold the delimiter or be the null marker.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* WriteChecked(byte* p, ValueText* column, int row, TextOutput output)
    {
        if (column->IsText)
        {
            var text = column->Bytes(row, out var length);
            return options.QuoteAll || new ReadOnlySpan<byte>(text, length).SequenceEqual(options.NullMarker)
                ? WriteQuoted(p, new ReadOnlySpan<byte>(text, length), output) : WriteUnusualText(p, text, length, output);
        }
        if (!options.QuoteAll)
        {
            var end = column->Write(p, row);
            var text = new ReadOnlySpan<byte>(p, (int)(end - p));
            if (end > p && text.IndexOf(options.Delimiter) < 0 && !text.SequenceEqual(options.NullMarker))
                return end;
        }
        *p = options.Quote;
        p = column->Write(p + 1, row);
        *p = options.Quote;
        return p + 1;
    }

    /// <summary>Texts longer than a register, empty ones, and those that need quotes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* WriteUnusualText(byte* p, byte* text, int length, TextOutput output)
    {
        for (var i = 0; i < length; i += TKernel.Width)
        {
            if ((TKernel.Copy(p + i, text + i, options.Delimiter, options.Quote) & Bits.Low(Math.Min(length - i, TKernel.Width))) != 0)
                return WriteQuoted(p, new ReadOnlySpan<byte>(text, length), output);
        }
        return length > 0 ? p + length : WriteEmpty(p);
    }

    private byte* WriteQuoted(byte* p, ReadOnlySpan<byte> text, TextOutput output)
    {
        p = output.Spend(p, text.Count(options.Quote));
        *p++ = options.Quote;
        p = TKernel.Width == Vector512<byte>.Count && ByteFilter.IsSupported ? DoubleQuotesFiltered(p, text) : DoubleQuotes(p, text);
        *p = options.Quote;
        return p + 1;
    }

    private byte* DoubleQuotes(byte* p, ReadOnlySpan<byte> text)
    {
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
        return p;
    }

    /// <summary>Puts a quote in front of every byte, and leaves those out that stand in front of no quote.</summary>
    private byte* DoubleQuotesFiltered(byte* p, ReadOnlySpan<byte> text)
    {
        const int Run = 32;
        fixed (byte* first = text)
            for (var i = 0; i < text.Length; i += Run)
            {
                var bytes = Vector256.Load(first + i);
                var isQuote = Vector256.Equals(bytes, Vector256.Create(options.Quote));
                var pairs = Avx512BW.ConvertToVector512UInt16(bytes) << 8 | Vector512.Create((ushort)options.Quote);
                var kept = Avx512BW.ConvertToVector512UInt16(isQuote) | Vector512.Create((ushort)0xFF00);
                ByteFilter.Keep(pairs.AsByte(), kept.AsByte()).Store(p);
                var run = Math.Min(text.Length - i, Run);
                p += run + BitOperations.PopCount(isQuote.ExtractMostSignificantBits() & Bits.Low(run));
            }
        return p;
    }
}
