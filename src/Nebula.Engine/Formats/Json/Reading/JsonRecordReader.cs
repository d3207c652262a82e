using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Reads values straight into columns. Every method takes the position of a value and returns the position behind it, or null after it set a fault; what was
/// appended until then is the caller's to cut off. Recursion follows the types of the columns, never the input.
/// </summary>
/// <typeparam name="TKernel">How strings are scanned.</typeparam>
/// <param name="newline">See <see cref="JsonLexer.SkipBlanks"/>.</param>
/// <param name="fault">What is wrong.</param>
/// <param name="scratch">Holds strings whose escapes were resolved.</param>
internal sealed unsafe class JsonRecordReader<TKernel>(byte newline, JsonFault fault, ScratchBuffer scratch) where TKernel : struct, IStringKernel
{
    private int _depth;

    /// <summary>Reads a record that is an object.</summary>
    /// <param name="p">Its opening brace.</param>
    /// <param name="keys">The columns.</param>
    /// <param name="row">Values that each column has so far.</param>
    public byte* ReadRecord(byte* p, ObjectKeys keys, int row)
    {
        _depth = 1;
        return ReadObject(p, keys, row);
    }

    /// <summary>Reads a record that is any value.</summary>
    /// <param name="p">Its first byte.</param>
    /// <param name="column">The column.</param>
    public byte* ReadRecord(byte* p, JsonColumn column)
    {
        _depth = 0;
        return ReadValue(p, column);
    }

    private byte* ReadObject(byte* p, ObjectKeys keys, int row)
    {
        p = SkipBlanks(p + 1);
        var filled = 0;
        if (*p != '}')
        {
            var key = keys.Start;
            while (true)
            {
                var previous = key;
                key = keys.Predict<TKernel>(ref p, previous);
                if (key < 0)
                {
                    if ((p = FindKey(p, keys, out key)) == null)
                        return null;
                    keys.Learn(previous, key);
                }
                p = SkipBlanks(p);
                if (keys.ColumnOf(key) is { } column)
                {
                    // the last of several equal keys counts (RFC 8259 section 4 leaves it open)
                    if (column.Count > row)
                        column.Truncate(row);
                    else
                        filled++;
                    p = ReadValue(p, column);
                }
                else
                    p = JsonLexer<TKernel>.SkipValue(p, newline, _depth, fault, out _);
                if (p == null)
                    return null;
                p = SkipBlanks(p);
                if (*p == ',')
                {
                    p = SkipBlanks(p + 1);
                    continue;
                }
                if (*p == '}')
                    break;
                return fault.Set(p, JsonProblem.ExpectedCommaOrBrace);
            }
        }
        if (filled < keys.Columns.Length)
            foreach (var column in keys.Columns)
                if (column.Count == row)
                    column.AppendNull();
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* FindKey(byte* p, ObjectKeys keys, out int key)
    {
        key = -1;
        if (*p != '"')
            return fault.Set(p, JsonProblem.ExpectedKey);
        var start = p;
        var end = JsonLexer<TKernel>.SkipString(p + 1, fault, out var hasEscapes);
        if (end == null)
            return null;
        p = SkipBlanks(end + 1);
        if (*p != ':')
            return fault.Set(p, JsonProblem.ExpectedColon);
        var text = start + 1;
        if (hasEscapes && !TryUnescape(ref text, ref end))
            return null;
        key = keys.Find(new ReadOnlySpan<byte>(text, (int)(end - text)));
        return key < 0 ? fault.Set(start, JsonProblem.UnknownKey, keys.Owner) : p + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ReadValue(byte* p, JsonColumn column)
    {
        switch (column.Kind)
        {
            case JsonValueKind.String when *p == '"':
                return ReadString(p, column);
            case JsonValueKind.String when column.Casts && *p != 'n':
                return ReadBareText(p, column);
            case JsonValueKind.Int64:
                var length = JsonLexer<TKernel>.ScalarLength(p);
                if (NumberParser.TryParseInt64(p, length, out var integer))
                {
                    column.Append(integer);
                    return p + length;
                }
                break;
            case JsonValueKind.Float64:
                length = JsonLexer<TKernel>.ScalarLength(p);
                if (((uint)(*p - '0') <= 9 || *p == '-') && NumberParser.TryParseExactDouble(p, length, out var number))
                {
                    column.Append(BitConverter.DoubleToInt64Bits(number));
                    return p + length;
                }
                break;
            case JsonValueKind.Bool:
                if (*(uint*)p == ('t' | 'r' << 8 | 'u' << 16 | 'e' << 24) && IsEnd(p[4]))
                {
                    column.Append(true);
                    return p + 4;
                }
                if (*(uint*)p == ('f' | 'a' << 8 | 'l' << 16 | 's' << 24) && p[4] == 'e' && IsEnd(p[5]))
                {
                    column.Append(false);
                    return p + 5;
                }
                break;
            case JsonValueKind.TimestampMicroseconds when *p == '"':
                var mask = TKernel.Find(p + 1);
                var width = BitOperations.TrailingZeroCount(mask);
                if (mask != 0 && p[1 + width] == '"' && JsonTemporal.TryParseCanonical(p + 1, width, nanoseconds: false, out var instant, out var hasZone)
                    && hasZone == (column.Type.Zone is not null))
                {
                    column.Append(instant);
                    return p + width + 2;
                }
                break;
            case JsonValueKind.Struct when *p == '{':
                return ReadStruct(p, column);
            case JsonValueKind.List when *p == '[':
                return ReadList(p, column);
        }
        return ReadRare(p, column);
    }

    /// <summary>The text of what is no string.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* ReadBareText(byte* p, JsonColumn column)
    {
        var length = JsonLexer<TKernel>.ScalarLength(p);
        if (length > TKernel.Width || !JsonLexer<TKernel>.IsPlainNumber(p, length))
            return ReadRare(p, column);
        var target = column.ReserveBytes(TKernel.Width);
        TKernel.Copy(target, p);
        column.AppendBytes(target + length);
        return p + length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* ReadStruct(byte* p, JsonColumn column)
    {
        _depth++;
        if ((p = ReadObject(p, column.Keys!, column.Count)) == null)
            return null;
        _depth--;
        column.AppendObject();
        return p;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* ReadList(byte* p, JsonColumn column)
    {
        var element = column.Children[0];
        p = SkipBlanks(p + 1);
        if (*p != ']')
        {
            _depth++;
            while (true)
            {
                if ((p = ReadElement(p, element)) == null)
                    return null;
                p = SkipBlanks(p);
                if (*p == ',')
                {
                    p = SkipBlanks(p + 1);
                    continue;
                }
                if (*p == ']')
                    break;
                return fault.Set(p, JsonProblem.ExpectedCommaOrBracket);
            }
            _depth--;
        }
        column.AppendElements();
        return p + 1;
    }

    private byte* ReadElement(byte* p, JsonColumn element) => ReadValue(p, element);

    private byte* ReadMap(byte* p, JsonColumn column)
    {
        var (key, value) = (column.Children[0], column.Children[1]);
        p = SkipBlanks(p + 1);
        if (*p != '}')
        {
            _depth++;
            while (true)
            {
                if (*p != '"')
                    return fault.Set(p, JsonProblem.ExpectedKey);
                if ((p = key.Kind == JsonValueKind.String ? ReadString(p, key) : ReadQuoted(p, key)) == null)
                    return null;
                p = SkipBlanks(p);
                if (*p != ':')
                    return fault.Set(p, JsonProblem.ExpectedColon);
                p = SkipBlanks(p + 1);
                if ((p = ReadElement(p, value)) == null)
                    return null;
                p = SkipBlanks(p);
                if (*p == ',')
                {
                    p = SkipBlanks(p + 1);
                    continue;
                }
                if (*p == '}')
                    break;
                return fault.Set(p, JsonProblem.ExpectedCommaOrBrace);
            }
            _depth--;
        }
        column.AppendElements();
        return p + 1;
    }

    /// <summary>Nulls, kinds that are seldom met, conversions, and everything that does not fit.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* ReadRare(byte* p, JsonColumn column)
    {
        if (*p == 'n')
        {
            if ((p = JsonLexer.SkipLiteral(p, fault)) == null)
                return null;
            column.AppendNull();
            return p;
        }
        if (column.Kind == JsonValueKind.Json)
            return ReadJson(p, column);
        if (column.Kind == JsonValueKind.Map && *p == '{')
            return ReadMap(p, column);
        if (*p == '"')
            return ReadQuoted(p, column);
        var start = p;
        if ((p = JsonLexer<TKernel>.SkipValue(p, newline, _depth, fault, out _)) == null)
            return null;
        if (*start is (byte)'{' or (byte)'[')
            return column is { Kind: JsonValueKind.String, Casts: true } ? ReadJson(start, column) : fault.Set(start, JsonProblem.WrongType, column);
        var fits = column.Kind == JsonValueKind.String && column.Casts
            ? AppendText(column, start, (int)(p - start))
            : ScalarParser.TryAppend(column, start, (int)(p - start), isQuoted: false);
        return fits ? p : fault.Set(start, JsonProblem.WrongType, column);
    }

    private byte* ReadQuoted(byte* p, JsonColumn column)
    {
        var start = p;
        var end = JsonLexer<TKernel>.SkipString(p + 1, fault, out var hasEscapes);
        if (end == null)
            return null;
        p = end + 1;
        var text = start + 1;
        if (hasEscapes && !TryUnescape(ref text, ref end))
            return null;
        return ScalarParser.TryAppend(column, text, (int)(end - text), isQuoted: true) ? p : fault.Set(start, JsonProblem.WrongType, column);
    }

    private byte* ReadJson(byte* p, JsonColumn column)
    {
        var start = p;
        if ((p = JsonLexer<TKernel>.SkipValue(p, newline, _depth, fault, out var hasBlanks)) == null)
            return null;
        if (!hasBlanks)
            AppendText(column, start, (int)(p - start));
        else
            column.AppendBytes(JsonLexer<TKernel>.CopyCompact(column.ReserveBytes(p - start), start, p, fault));
        return p;
    }

    private static bool AppendText(JsonColumn column, byte* text, int length)
    {
        var target = column.ReserveBytes(length);
        Unsafe.CopyBlockUnaligned(target, text, (uint)length);
        column.AppendBytes(target + length);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ReadString(byte* p, JsonColumn column)
    {
        p++;
        var target = column.ReserveBytes(TKernel.Width);
        var mask = TKernel.Copy(target, p);
        if (mask != 0)
        {
            var length = BitOperations.TrailingZeroCount(mask);
            if (p[length] == '"')
            {
                column.AppendBytes(target + length);
                return p + length + 1;
            }
        }
        return ReadLongString(p, column);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* ReadLongString(byte* p, JsonColumn column)
    {
        var target = column.ReserveBytes(TKernel.Width);
        while (true)
        {
            var mask = TKernel.Copy(target, p);
            var plain = mask == 0 ? TKernel.Width : BitOperations.TrailingZeroCount(mask);
            p += plain;
            target = column.ReserveMore(target + plain, TKernel.Width);
            if (mask == 0)
                continue;
            if (*p == '"')
            {
                column.AppendBytes(target);
                return p + 1;
            }
            if (*p != '\\')
                return fault.Set(p, JsonProblem.ControlCharacter);
            if (JsonLexer.SkipEscape(p, fault) == null)
                return null;
            if ((p = JsonLexer.ResolveEscape(p, ref target, fault)) == null)
                return null;
        }
    }

    private bool TryUnescape(ref byte* text, ref byte* end)
    {
        var target = scratch.Reserve((int)(end - text));
        var written = JsonLexer<TKernel>.Unescape(target, text, end, fault);
        text = target;
        end = written;
        return written != null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* SkipBlanks(byte* p) => *p > ' ' ? p : JsonLexer.SkipBlanks(p, newline);

    /// <summary>Whether a byte cannot go on a literal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsEnd(byte c) => c is <= (byte)' ' or (byte)',' or (byte)'}' or (byte)']';
}
