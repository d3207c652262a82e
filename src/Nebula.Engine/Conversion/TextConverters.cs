using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Json.Reading;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Converts strings to values of fixed width.</summary>
/// <param name="to">The type of the result.</param>
/// <param name="map">Converts one text.</param>
/// <param name="allowsLoss">Whether values may be rounded.</param>
internal sealed class FromTextConverter<T, TMap>(DataType to, TMap map, bool allowsLoss) : ColumnConverter
    where T : unmanaged
    where TMap : struct, ITextMap<T>
{
    public override unsafe Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var values = scope.Add(pool.Rent(checked(source.Length * sizeof(T))));
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var output = values.As<T>()[..source.Length];
        var texts = new ValueText(source);
        var worstAllowed = allowsLoss ? Verdict.Loses : Verdict.Kept;
        var local = map;
        for (var i = 0; i < output.Length; i++)
        {
            output[i] = default;
            if (texts.IsNull(i))
                continue;
            var p = texts.Bytes(i, out var length);
            var verdict = length == 0 ? Verdict.DoesNotFit : local.Map(p, length, out output[i]);
            if (verdict <= worstAllowed)
                continue;
            nulls.SetNull(i);
            faults.Add(i, ValueFaults.Of(verdict));
        }
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), values);
        scope.Release();
        return column;
    }
}

/// <summary>Converts strings to booleans: <c>true</c> and <c>false</c>, and what others write for them, in any case.</summary>
internal sealed class TextToBoolConverter : ColumnConverter
{
    public override unsafe Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var bits = scope.Add(pool.Rent(Bitmap.ByteCount(source.Length)));
        bits.Span[..Bitmap.ByteCount(source.Length)].Clear();
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var texts = new ValueText(source);
        for (var i = 0; i < source.Length; i++)
        {
            if (texts.IsNull(i))
                continue;
            var p = texts.Bytes(i, out var length);
            if (BoolText.IsTrue(p, length))
                Bitmap.Set(bits.Span, i, true);
            else if (BoolText.IsFalse(p, length))
                continue;
            else if (LooseText.TryReadBool(new ReadOnlySpan<byte>(p, length), out var value))
                Bitmap.Set(bits.Span, i, value);
            else
            {
                nulls.SetNull(i);
                faults.Add(i, ValueFault.DoesNotFit);
            }
        }
        var column = new Column(DataType.Bool, source.Length, nulls.Count, nulls.Detach(), bits);
        scope.Release();
        return column;
    }
}

/// <summary>Converts values that are not nested to their text.</summary>
internal sealed class ToTextConverter : ColumnConverter
{
    private const int UsualLength = 12;

    public override unsafe Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var offsets = scope.Add(pool.Rent(checked((source.Length + 1) * sizeof(int))));
        var ends = offsets.As<int>();
        ends[0] = 0;
        var texts = new ValueText(source);
        var bytes = pool.Rent(checked(source.Length * UsualLength + ValueText.MaxLength));
        try
        {
            var written = 0;
            for (var i = 0; i < source.Length; i++)
            {
                if (bytes.Capacity - written < ValueText.MaxLength)
                    Grow(ref bytes, written, pool);
                if (!texts.IsNull(i))
                    written = (int)(texts.Write(bytes.Pointer + written, i) - bytes.Pointer);
                ends[i + 1] = written;
            }
            bytes.Length = written;
            var column = new Column(DataType.String, source.Length, nulls.Count, nulls.Detach(), bytes, offsets);
            scope.Release();
            return column;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static void Grow(ref PooledBuffer bytes, int written, BufferPool pool)
    {
        var larger = pool.Rent(checked(bytes.Capacity * 2));
        bytes.Span[..written].CopyTo(larger.Span);
        bytes.Dispose();
        bytes = larger;
    }
}

/// <summary>What bytes must be to be values of another type that stores bytes.</summary>
internal enum BytesRule
{
    /// <summary>Anything.</summary>
    None,

    /// <summary>UTF-8.</summary>
    Text,

    /// <summary>One JSON document.</summary>
    Json,
}

/// <summary>Converts between string, binary and JSON: the bytes stay the same. Dictionaries are written out.</summary>
/// <param name="to">The type of the result.</param>
/// <param name="rule">What the bytes must be.</param>
internal sealed class BytesConverter(DataType to, BytesRule rule) : ColumnConverter
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        using var builder = new ColumnBuilder(pool, to);
        builder.AppendRange(source, 0, source.Length);
        var copy = scope.Add(builder.Build());
        if (rule == BytesRule.None || (rule == BytesRule.Text && IsText(copy)))
        {
            scope.Release();
            return copy;
        }
        var nulls = scope.Add(new ConvertedNulls(copy, pool));
        var fault = new JsonFault();
        for (var i = 0; i < copy.Length; i++)
        {
            if (nulls.IsNull(i) || (rule == BytesRule.Text ? Utf8Validator.FindInvalid(copy.GetBytes(i)) < 0 : JsonDocuments.IsOne(copy, i, fault)))
                continue;
            nulls.SetNull(i);
            faults.Add(i, ValueFault.DoesNotFit);
        }
        var column = copy.WithNulls(nulls.Count, nulls.Detach());
        scope.Release();
        return column;
    }

    /// <summary>Whether all bytes together are text, and no value starts within a character.</summary>
    private static bool IsText(Column column)
    {
        var bytes = column.Bytes;
        if (Utf8Validator.FindInvalid(bytes) >= 0)
            return false;
        foreach (var offset in column.Offsets)
            if (offset < bytes.Length && (bytes[offset] & 0xC0) == 0x80)
                return false;
        return true;
    }
}

/// <summary>Converts UUIDs to their 16 bytes.</summary>
internal sealed class UuidToBinaryConverter : ColumnConverter
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var offsets = scope.Add(pool.Rent(checked((source.Length + 1) * sizeof(int))));
        var bytes = scope.Add(pool.Rent(checked(source.Length * 16)));
        MemoryMarshal.AsBytes(source.Values<Int128>()).CopyTo(bytes.Span);
        var ends = offsets.As<int>();
        for (var i = 0; i <= source.Length; i++)
            ends[i] = 16 * i;
        bytes.Length = source.Length * 16;
        var column = new Column(DataType.Binary, source.Length, nulls.Count, nulls.Detach(), bytes, offsets);
        scope.Release();
        return column;
    }
}

/// <summary>Converts binary values of 16 bytes to UUIDs.</summary>
internal readonly unsafe struct BinaryToUuid : ITextMap<Int128>
{
    public int Map(byte* p, int length, out Int128 result)
    {
        result = length == 16 ? *(Int128*)p : default;
        return length == 16 ? Verdict.Kept : Verdict.DoesNotFit;
    }
}
