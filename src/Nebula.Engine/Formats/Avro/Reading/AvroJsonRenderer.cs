using System.Buffers.Text;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Avro.Schemas;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Renders values as JSON: those of unions and of records inside themselves, for which there is no column. Also passes over values.</summary>
/// <remarks>Every method returns where the value ends, or null when the input ends before it or it is wrong; <see cref="Problem"/> tells which.</remarks>
internal sealed unsafe class AvroJsonRenderer(int maxLength)
{
    private const int MaxDepth = 256;
    private const int MaxNumber = 64;
    private const int MaxFreeItems = 1 << 16;
    private int _places;

    /// <summary>What is wrong with the value; null when the input just ended.</summary>
    public string? Problem { get; private set; }

    /// <summary>Renders a value.</summary>
    /// <param name="schema">Its schema.</param>
    /// <param name="p">Where it is.</param>
    /// <param name="limit">End of the input; a few bytes behind it are readable.</param>
    /// <param name="text">Takes the JSON text.</param>
    /// <param name="isNull">Whether the value is null.</param>
    public byte* Render(AvroSchema schema, byte* p, byte* limit, GrowingBuffer text, out bool isNull)
    {
        Problem = null;
        p = Render(schema, p, limit, text, 0);
        isNull = p != null && text.Content.SequenceEqual("null"u8);
        return p;
    }

    /// <summary>Passes over a value.</summary>
    /// <param name="schema">Its schema.</param>
    /// <param name="p">Where it is.</param>
    /// <param name="limit">End of the input.</param>
    /// <param name="depth">Levels around it.</param>
    public byte* Skip(AvroSchema schema, byte* p, byte* limit, int depth)
    {
        if (depth == 0)
            Problem = null;
        if (p > limit || depth > MaxDepth)
            return depth > MaxDepth ? Fail($"a value nested more than {MaxDepth} levels deep") : null;
        switch (schema.Type)
        {
            case AvroType.Null:
                return p;
            case AvroType.Boolean:
                return Within(p + 1, limit);
            case AvroType.Int or AvroType.Long or AvroType.Enum:
                return Within(AvroBinary.SkipLong(p), limit);
            case AvroType.Float:
                return Within(p + sizeof(float), limit);
            case AvroType.Double:
                return Within(p + sizeof(double), limit);
            case AvroType.Fixed:
                return schema.Size <= limit - p ? p + schema.Size : null;
            case AvroType.Bytes or AvroType.String:
                var length = ReadLength(ref p, limit);
                return length < 0 ? null : p + length;
            case AvroType.Union:
                var branch = ReadBranch(schema, ref p, limit);
                return branch is null ? null : Skip(branch, p, limit, depth + 1);
            case AvroType.Record:
                foreach (var field in schema.Fields)
                    if ((p = Skip(field.Schema, p, limit, depth + 1)) == null)
                        return null;
                return p;
            default:
                return SkipItems(schema, p, limit, depth);
        }
    }

    private byte* SkipItems(AvroSchema schema, byte* p, byte* limit, int depth)
    {
        long count;
        while ((count = ReadCount(schema, ref p, limit, out var bytes)) > 0)
        {
            if (bytes >= 0)
            {
                if (bytes > limit - p)
                    return bytes > maxLength ? Fail($"a block of {bytes} bytes in a list") : null;
                p += bytes;
                continue;
            }
            for (; count > 0; count--)
            {
                if (schema.Type == AvroType.Map)
                {
                    var length = ReadLength(ref p, limit);
                    if (length < 0)
                        return null;
                    p += length;
                }
                if ((p = Skip(schema.Items!, p, limit, depth + 1)) == null)
                    return null;
            }
        }
        return count == 0 ? p : null;
    }

    private byte* Render(AvroSchema schema, byte* p, byte* limit, GrowingBuffer text, int depth)
    {
        if (p > limit || depth > MaxDepth)
            return depth > MaxDepth ? Fail($"a value nested more than {MaxDepth} levels deep") : null;
        switch (schema.Type)
        {
            case AvroType.Null:
                Write(text, "null"u8);
                return p;
            case AvroType.Boolean:
                if (p == limit)
                    return null;
                Write(text, *p != 0 ? "true"u8 : "false"u8);
                return p + 1;
            case AvroType.Int or AvroType.Long:
                var number = AvroBinary.ReadLong(ref p);
                return p > limit ? null : RenderNumber(schema, number, text) ? p : null;
            case AvroType.Float:
                if (limit - p < sizeof(float))
                    return null;
                RenderFloat(*(float*)p, isSingle: true, text);
                return p + sizeof(float);
            case AvroType.Double:
                if (limit - p < sizeof(double))
                    return null;
                RenderFloat(*(double*)p, isSingle: false, text);
                return p + sizeof(double);
            case AvroType.String:
                var length = ReadLength(ref p, limit);
                return length >= 0 && RenderText(new ReadOnlySpan<byte>(p, (int)length), text) ? p + length : null;
            case AvroType.Bytes:
                var size = ReadLength(ref p, limit);
                return size < 0 ? null : RenderBytes(schema, p, (int)size, text);
            case AvroType.Fixed:
                return schema.Size > limit - p ? null : RenderBytes(schema, p, schema.Size, text);
            case AvroType.Enum:
                var position = AvroBinary.ReadLong(ref p);
                if (p > limit)
                    return null;
                if ((ulong)position >= (ulong)schema.Symbols.Length)
                    return Fail($"the symbol {position} of an enum that has {schema.Symbols.Length}");
                RenderText(Encoding.UTF8.GetBytes(schema.Symbols[(int)position]), text);
                return p;
            case AvroType.Union:
                var branch = ReadBranch(schema, ref p, limit);
                return branch is null ? null : Render(branch, p, limit, text, depth + 1);
            case AvroType.Record:
                return RenderRecord(schema, p, limit, text, depth);
            default:
                return RenderItems(schema, p, limit, text, depth);
        }
    }

    private byte* RenderRecord(AvroSchema schema, byte* p, byte* limit, GrowingBuffer text, int depth)
    {
        var separator = (byte)'{';
        foreach (var field in schema.Fields)
        {
            text.Append(separator);
            separator = (byte)',';
            RenderText(Encoding.UTF8.GetBytes(AvroNode.NameOf(field)), text);
            text.Append((byte)':');
            if ((p = Render(field.Schema, p, limit, text, depth + 1)) == null)
                return null;
        }
        Write(text, separator == '{' ? "{}"u8 : "}"u8);
        return p;
    }

    private byte* RenderItems(AvroSchema schema, byte* p, byte* limit, GrowingBuffer text, int depth)
    {
        var isMap = schema.Type == AvroType.Map;
        var separator = isMap ? (byte)'{' : (byte)'[';
        long count;
        while ((count = ReadCount(schema, ref p, limit, out _)) > 0)
            for (; count > 0; count--)
            {
                if (text.Length > maxLength)
                    return Fail($"a value of more than {maxLength} bytes as JSON");
                text.Append(separator);
                separator = (byte)',';
                if (isMap)
                {
                    var length = ReadLength(ref p, limit);
                    if (length < 0 || !RenderText(new ReadOnlySpan<byte>(p, (int)length), text))
                        return null;
                    p += length;
                    text.Append((byte)':');
                }
                if ((p = Render(schema.Items!, p, limit, text, depth + 1)) == null)
                    return null;
            }
        if (count < 0)
            return null;
        Write(text, (isMap, separator) switch { (true, (byte)',') => "}"u8, (true, _) => "{}"u8, (_, (byte)',') => "]"u8, _ => "[]"u8 });
        return p;
    }

    private bool RenderNumber(AvroSchema schema, long number, GrowingBuffer text)
    {
        var room = text.Extend(MaxNumber);
        fixed (byte* start = room)
        {
            *start = (byte)'"';
            var isText = true;
            byte* end;
            switch (schema.Logical)
            {
                case AvroLogicalType.Date when number == (int)number:
                    end = Temporal.WriteDate(start + 1, (int)number);
                    break;
                case AvroLogicalType.TimeMillis:
                    end = Temporal.WriteTime(start + 1, (int)number * 1000L, nanoseconds: false);
                    break;
                case AvroLogicalType.TimeMicros:
                    end = Temporal.WriteTime(start + 1, number, nanoseconds: false);
                    break;
                case AvroLogicalType.TimestampMillis or AvroLogicalType.LocalTimestampMillis when number is > long.MaxValue / 1000 or < long.MinValue / 1000:
                    text.Shrink(MaxNumber);
                    Fail($"the time {number}, which is beyond the years that a timestamp can have here,");
                    return false;
                case AvroLogicalType.TimestampMillis or AvroLogicalType.TimestampMicros or AvroLogicalType.TimestampNanos:
                    end = WriteTimestamp(start + 1, schema.Logical, number, isUtc: true);
                    break;
                case AvroLogicalType.LocalTimestampMillis or AvroLogicalType.LocalTimestampMicros or AvroLogicalType.LocalTimestampNanos:
                    end = WriteTimestamp(start + 1, schema.Logical, number, isUtc: false);
                    break;
                default:
                    end = Digits.Write(start, number);
                    isText = false;
                    break;
            }
            if (isText)
                *end++ = (byte)'"';
            text.Shrink(MaxNumber - (int)(end - start));
        }
        return true;
    }

    private static byte* WriteTimestamp(byte* p, AvroLogicalType logical, long number, bool isUtc) => Temporal.WriteTimestamp(
        p, logical is AvroLogicalType.TimestampMillis or AvroLogicalType.LocalTimestampMillis ? number * 1000 : number,
        logical is AvroLogicalType.TimestampNanos or AvroLogicalType.LocalTimestampNanos, isUtc);

    private void RenderFloat(double value, bool isSingle, GrowingBuffer text)
    {
        if (!double.IsFinite(value))
        {
            Write(text, double.IsNaN(value) ? "\"NaN\""u8 : value > 0 ? "\"Infinity\""u8 : "\"-Infinity\""u8);
            return;
        }
        fixed (byte* start = text.Extend(MaxNumber))
        {
            var end = isSingle ? NumberFormatter.WriteSingle(start, (float)value) : NumberFormatter.WriteDouble(start, value, ref _places);
            text.Shrink(MaxNumber - (int)(end - start));
        }
    }

    private byte* RenderBytes(AvroSchema schema, byte* p, int length, GrowingBuffer text)
    {
        switch (schema.Logical)
        {
            case AvroLogicalType.Decimal when schema.Scale <= DataType.MaxDecimalPrecision:
                if (!AvroBinary.TryReadInt128(p, length, out var value))
                    return Fail("a decimal of more than 38 digits");
                fixed (byte* start = text.Extend(MaxNumber))
                    text.Shrink(MaxNumber - (int)(NumberFormatter.WriteDecimal(start, value, schema.Scale) - start));
                break;
            case AvroLogicalType.Uuid:
                fixed (byte* start = text.Extend(MaxNumber))
                {
                    *start = (byte)'"';
                    var end = UuidText.Write(start + 1, p);
                    *end++ = (byte)'"';
                    text.Shrink(MaxNumber - (int)(end - start));
                }
                break;
            case AvroLogicalType.Duration:
                RenderDuration((uint*)p, text);
                break;
            default:
                text.Append((byte)'"');
                var size = ((length + 2L) / 3 * 4) is <= int.MaxValue and var wanted ? (int)wanted : int.MaxValue;
                Base64.EncodeToUtf8(new ReadOnlySpan<byte>(p, length), text.Extend(size), out _, out _);
                text.Append((byte)'"');
                break;
        }
        return p + length;
    }

    private static void RenderDuration(uint* parts, GrowingBuffer text)
    {
        ReadOnlySpan<string> names = ["{\"months\":", ",\"days\":", ",\"millis\":"];
        for (var i = 0; i < names.Length; i++)
        {
            Write(text, Encoding.UTF8.GetBytes(names[i]));
            fixed (byte* start = text.Extend(MaxNumber))
                text.Shrink(MaxNumber - (int)(Digits.Write(start, (ulong)parts[i]) - start));
        }
        text.Append((byte)'}');
    }

    private bool RenderText(ReadOnlySpan<byte> value, GrowingBuffer text)
    {
        if (Utf8Validator.FindInvalid(value) >= 0)
        {
            Fail("a text that is not UTF-8");
            return false;
        }
        text.Append((byte)'"');
        while (value.IndexOfAny(JsonEscapes.Escaped) is >= 0 and var at)
        {
            Write(text, value[..at]);
            Write(text, JsonEscapes.Of(value[at]));
            value = value[(at + 1)..];
        }
        Write(text, value);
        text.Append((byte)'"');
        return true;
    }

    /// <summary>The branch of a union; null when there is none.</summary>
    private AvroSchema? ReadBranch(AvroSchema union, ref byte* p, byte* limit)
    {
        var branch = AvroBinary.ReadLong(ref p);
        if (p > limit)
            return null;
        if ((ulong)branch < (ulong)union.Branches.Length)
            return union.Branches[(int)branch];
        Fail($"the branch {branch} of a union of {union.Branches.Length}");
        return null;
    }

    /// <summary>A length that the input has the bytes for; -1 when it has not.</summary>
    private long ReadLength(ref byte* p, byte* limit)
    {
        var length = AvroBinary.ReadLong(ref p);
        if (length >= 0 && length <= limit - p)
            return length;
        if (p <= limit && (ulong)length > (ulong)maxLength)
            Fail($"a length of {length} bytes, where there may be {maxLength},");
        return -1;
    }

    /// <summary>The number of items of the next block of a list; 0 at its end, -1 when there is none.</summary>
    private long ReadCount(AvroSchema list, ref byte* p, byte* limit, out long bytes)
    {
        bytes = -1;
        var count = AvroBinary.ReadLong(ref p);
        if (count < 0)
        {
            count = -count;
            bytes = AvroBinary.ReadLong(ref p);
            if (bytes < 0 && p <= limit)
            {
                Fail($"a block of {bytes} bytes in a list");
                return -1;
            }
        }
        if (p > limit)
            return -1;
        if (count >= 0 && (count <= limit - p || count <= MaxFreeItems && AvroSizes.Least(list.Items!) == 0))
            return count;
        if (count < 0 || count > maxLength || AvroSizes.Least(list.Items!) == 0)
            Fail($"a list of {(ulong)count} items");
        return -1;
    }

    private static byte* Within(byte* p, byte* limit) => p <= limit ? p : null;

    private static void Write(GrowingBuffer text, ReadOnlySpan<byte> bytes) => bytes.CopyTo(text.Extend(bytes.Length));

    private byte* Fail(string problem)
    {
        Problem = problem;
        return null;
    }
}
