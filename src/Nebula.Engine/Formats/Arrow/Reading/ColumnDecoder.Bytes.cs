using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

internal sealed partial class ColumnDecoder
{
    private const int OffsetsBuffer = 1;
    private const int DataBuffer = 2;
    private const int FirstDataBufferOfViews = 2;
    private const int ViewSize = 16;
    private const int LongestInlineView = 12;

    /// <summary>Strings and binary values with offsets of 32 or 64 bits.</summary>
    private Column ReadBytes<TOffset>(ColumnPlan plan, long start, int count) where TOffset : unmanaged
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var offsets = scope.Add(ReadOffsets<TOffset>(plan, start, count, out var first, out var length));
        var bytes = body.Bytes(plan, DataBuffer, first, length);
        if (plan.Type.Kind != TypeKind.Binary)
            CheckUtf8(plan, bytes, offsets.As<int>()[..(count + 1)], validity, start);
        var values = body.Share(plan, DataBuffer, first, length, length, 1) ?? pool.Rent(0);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values, offsets);
    }

    /// <summary>Offsets counted from the first of them, checked to ascend.</summary>
    /// <param name="plan">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="first">What the first offset is in the file.</param>
    /// <param name="length">What the last offset is in the result.</param>
    private PooledBuffer ReadOffsets<TOffset>(ColumnPlan plan, long start, int count, out long first, out int length) where TOffset : unmanaged
    {
        (first, length) = (0, 0);
        if (count == 0)
            return NullColumns.Zeros(sizeof(int), pool);
        if (typeof(TOffset) == typeof(int))
        {
            var narrow = Values<int>(plan, OffsetsBuffer, start, count + 1);
            first = narrow[0];
            length = CheckRange(plan, first, narrow[count]);
            if (first == 0 && body.Share(plan, OffsetsBuffer, start * sizeof(int), narrow.Length * sizeof(int), narrow.Length * sizeof(int),
                sizeof(int)) is { } shared)
            {
                CheckAscent(plan, shared, count, start);
                return shared;
            }
        }
        var source = Values<TOffset>(plan, OffsetsBuffer, start, count + 1);
        first = Widen(source[0]);
        length = CheckRange(plan, first, Widen(source[count]));
        var offsets = pool.Rent(source.Length * sizeof(int));
        offsets.Length = source.Length * sizeof(int);
        var target = offsets.As<int>();
        for (var i = 0; i < source.Length; i++)
            target[i] = unchecked((int)(Widen(source[i]) - first));
        if (typeof(TOffset) == typeof(long))
            CheckWideAscent(plan, source, offsets, start);
        CheckAscent(plan, offsets, count, start);
        return offsets;
    }

    private static int CheckRange(ColumnPlan plan, long first, long last) => first < 0 || last < first
        ? throw new ArrowFault($"the offsets go from {first} to {last}", column: plan.Path)
        : last - first > BufferPool.MaxCapacity ? throw new BatchTooLargeException() : (int)(last - first);

    private static void CheckAscent(ColumnPlan plan, PooledBuffer offsets, int count, long start)
    {
        var span = offsets.As<int>()[..(count + 1)];
        var wrong = 0;
        for (var i = 0; i < count; i++)
            wrong |= span[i + 1] - span[i] | span[i];
        if (wrong >= 0)
            return;
        offsets.Dispose();
        throw new ArrowFault("an offset is smaller than the one before", column: plan.Path, value: start);
    }

    private static void CheckWideAscent<TOffset>(ColumnPlan plan, ReadOnlySpan<TOffset> source, PooledBuffer offsets, long start) where TOffset : unmanaged
    {
        for (var i = 1; i < source.Length; i++)
            if (Widen(source[i]) < Widen(source[i - 1]))
            {
                offsets.Dispose();
                throw new ArrowFault("an offset is smaller than the one before", column: plan.Path, value: start + i);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Widen<T>(T value) where T : unmanaged => typeof(T) == typeof(int) ? (int)(object)value : (long)(object)value;

    /// <summary>Checks all values at once: bytes that are UTF-8 as a whole are so value by value when no value begins within a character.</summary>
    private static void CheckUtf8(ColumnPlan plan, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, PooledBuffer? validity, long start)
    {
        if (System.Text.Ascii.IsValid(bytes))
            return;
        var isValid = Utf8Validator.FindInvalid(bytes) < 0;
        for (var i = 0; isValid && i < offsets.Length; i++)
            isValid = offsets[i] == bytes.Length || (bytes[offsets[i]] & 0xC0) != 0x80;
        if (isValid)
            return;
        for (var i = 0; i < offsets.Length - 1; i++)
        {
            var value = bytes[offsets[i]..offsets[i + 1]];
            if ((validity is null || Bitmap.Get(validity.Span, i)) && Utf8Validator.FindInvalid(value) >= 0)
                throw NotUtf8(plan, value, start + i);
        }
    }

    private static ArrowFault NotUtf8(ColumnPlan plan, ReadOnlySpan<byte> value, long position) => new(
        $"the text {DataFormatException.Show(value)} is not UTF-8", column: plan.Path, value: position,
            advice: "Have the column written as binary, or leave it out.");

    private Column ReadFixedSizeBinary(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var width = plan.Declared.Size;
        if ((long)width * count > BufferPool.MaxCapacity)
            throw new BatchTooLargeException();
        var values = scope.Add(CopyValues(plan, start, count, width));
        var offsets = FixedOffsets(count, width);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values, offsets);
    }

    private PooledBuffer FixedOffsets(int count, int width)
    {
        var offsets = pool.Rent((count + 1) * sizeof(int));
        offsets.Length = (count + 1) * sizeof(int);
        var target = offsets.As<int>();
        for (var i = 0; i <= count; i++)
            target[i] = i * width;
        return offsets;
    }

    /// <summary>Strings and binary values as views (Columnar Format, "Variable-size Binary View Layout").</summary>
    private Column ReadViews(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var views = body.Bytes(plan, ValuesBuffer, Times(start, ViewSize, plan), (long)count * ViewSize);
        var offsets = scope.Add(pool.Rent((count + 1) * sizeof(int)));
        var ends = offsets.As<int>();
        ends[0] = 0;
        var total = 0L;
        for (var i = 0; i < count; i++)
        {
            if (validity is null || Bitmap.Get(validity.Span, i))
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(views[(i * ViewSize)..]);
                if (length < 0)
                    throw new ArrowFault($"a view has the length {length}", column: plan.Path, value: start + i);
                total += length;
            }
            ends[i + 1] = total <= BufferPool.MaxCapacity ? (int)total : throw new BatchTooLargeException();
        }
        budget.Charge(total);
        var values = scope.Add(pool.Rent((int)total));
        values.Length = (int)total;
        CopyViews(plan, views, ends[..(count + 1)], values.Span, start);
        if (plan.Type.Kind != TypeKind.Binary)
            CheckUtf8(plan, values.Content, ends[..(count + 1)], validity, start);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values, offsets);
    }

    private void CopyViews(ColumnPlan plan, ReadOnlySpan<byte> views, ReadOnlySpan<int> ends, Span<byte> target, long start)
    {
        var dataBuffers = body.DataBuffersOf(plan);
        for (var i = 0; i < ends.Length - 1; i++)
        {
            var length = ends[i + 1] - ends[i];
            var view = views.Slice(i * ViewSize, ViewSize);
            if (length <= LongestInlineView)
            {
                view.Slice(sizeof(int), length).CopyTo(target[ends[i]..]);
                continue;
            }
            var buffer = BinaryPrimitives.ReadInt32LittleEndian(view[8..]);
            var offset = BinaryPrimitives.ReadInt32LittleEndian(view[12..]);
            if ((uint)buffer >= (uint)dataBuffers || offset < 0)
                throw new ArrowFault($"a view points to byte {offset} of data buffer {buffer}; there are {dataBuffers} data buffers", column: plan.Path,
                    value: start + i);
            body.Bytes(plan, FirstDataBufferOfViews + buffer, offset, length).CopyTo(target[ends[i]..]);
        }
    }
}
