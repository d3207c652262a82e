using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Brings the values of a leaf together, nulls left out, in the form in which they are stored. Where they already lie so, nothing is copied.</summary>
internal static unsafe class ValueGatherer
{
    /// <summary>Values of 1, 2, 4, 8 or 16 bytes as the column has them.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="scratch">Takes values that must be moved.</param>
    /// <returns>The values; good as long as column and scratch are.</returns>
    public static byte* Fixed(LeafEntries entries, GrowingBuffer scratch)
    {
        var width = entries.Column.Type.ByteWidth;
        var values = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(ColumnLayouts.FixedBytes(entries.Column)));
        if (IsContiguous(entries, out var first))
            return values + (long)first * width;
        scratch.Truncate(0);
        var target = scratch.Extend(checked(entries.ValueCount * width));
        fixed (byte* to = target)
        {
            switch (width)
            {
                case 1:
                    Gather(entries, values, to);
                    break;
                case 2:
                    Gather(entries, (short*)values, (short*)to);
                    break;
                case 4:
                    Gather(entries, (int*)values, (int*)to);
                    break;
                case 8:
                    Gather(entries, (long*)values, (long*)to);
                    break;
                default:
                    Gather(entries, (Int128*)values, (Int128*)to);
                    break;
            }
            return to;
        }
    }

    /// <summary>Values as Parquet stores those of fixed width: at least 4 bytes, decimals and UUIDs as the schema says.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="scratch">Takes values that must be moved.</param>
    /// <param name="converted">Takes values that must be converted.</param>
    public static byte* Stored(LeafEntries entries, GrowingBuffer scratch, GrowingBuffer converted)
    {
        var values = Fixed(entries, scratch);
        var count = entries.ValueCount;
        converted.Truncate(0);
        switch (entries.Column.Type.Kind)
        {
            case TypeKind.Int8:
                return (byte*)Convert<sbyte, int>((sbyte*)values, count, converted);
            case TypeKind.Int16:
                return (byte*)Convert<short, int>((short*)values, count, converted);
            case TypeKind.UInt8:
                return (byte*)Convert<byte, int>(values, count, converted);
            case TypeKind.UInt16:
                return (byte*)Convert<ushort, int>((ushort*)values, count, converted);
            case TypeKind.Decimal when entries.Field.PhysicalType == PhysicalType.Int32:
                return (byte*)Convert<long, int>((long*)values, count, converted);
            case TypeKind.Decimal when entries.Field.PhysicalType == PhysicalType.FixedLenByteArray:
                return BigEndian((Int128*)values, count, entries.Field.TypeLength, converted);
            default:
                return values;
        }
    }

    /// <summary>Bits of a boolean leaf.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="scratch">Takes bits that must be moved.</param>
    public static ReadOnlySpan<byte> Bits(LeafEntries entries, GrowingBuffer scratch)
    {
        var bits = entries.Column.Bits;
        if (entries.Positions is null && entries.Column.NullCount == 0)
            return bits;
        scratch.Truncate(0);
        scratch.ExtendBits(entries.ValueCount);
        var target = scratch.Content;
        var next = 0;
        foreach (var position in new PositionEnumerator(entries))
            Bitmap.Set(target, next++, Bitmap.Get(bits, position));
        return target;
    }

    /// <summary>Byte strings one behind the other.</summary>
    /// <param name="entries">The leaf; its column has no dictionary.</param>
    /// <param name="scratch">Takes offsets that must be made.</param>
    /// <param name="moved">Takes bytes that must be moved.</param>
    /// <param name="bytes">What offsets count from.</param>
    /// <returns>Start of each value, and the end of the last.</returns>
    public static int* ByteArrays(LeafEntries entries, GrowingBuffer scratch, GrowingBuffer moved, out byte* bytes)
    {
        var column = entries.Column;
        bytes = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(column.Bytes));
        var offsets = (int*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(column.Offsets));
        if (entries.ValueCount > 0 && IsContiguous(entries, out var first))
            return offsets + first;
        scratch.Truncate(0);
        var made = (int*)scratch.Reserve(checked((entries.ValueCount + 1) * sizeof(int)));
        // what a null slot holds is nothing nearly always: then the bytes already lie one behind the other
        var (next, end, gaps) = (0, -1, false);
        foreach (var position in new PositionEnumerator(entries))
        {
            gaps |= end >= 0 && offsets[position] != end;
            made[next++] = offsets[position];
            end = offsets[position + 1];
        }
        made[next] = Math.Max(end, 0);
        if (gaps)
            bytes = Move(entries, bytes, offsets, made, moved);
        return made;
    }

    /// <summary>Positions in the dictionary of a dictionary-encoded leaf.</summary>
    /// <param name="entries">The leaf.</param>
    /// <param name="scratch">Takes positions that must be moved.</param>
    public static int* Indices(LeafEntries entries, GrowingBuffer scratch)
    {
        var indices = (int*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(entries.Column.Indices));
        if (IsContiguous(entries, out var first))
            return indices + first;
        scratch.Truncate(0);
        var target = (int*)scratch.Reserve(checked(entries.ValueCount * sizeof(int)));
        Gather(entries, indices, target);
        return target;
    }

    private static byte* Move(LeafEntries entries, byte* bytes, int* offsets, int* made, GrowingBuffer moved)
    {
        moved.Truncate(0);
        var next = 0;
        foreach (var position in new PositionEnumerator(entries))
        {
            made[next++] = moved.Length;
            var length = offsets[position + 1] - offsets[position];
            new ReadOnlySpan<byte>(bytes + offsets[position], length).CopyTo(moved.Extend(length));
        }
        made[next] = moved.Length;
        return moved.Reserve(0) - moved.Length;
    }

    private static bool IsContiguous(LeafEntries entries, out int first)
    {
        first = 0;
        if (entries.Positions is not { } buffer)
            return entries.Column.NullCount == 0;
        if (entries.ValueCount == 0)
            return true;
        var positions = (int*)buffer.Pointer;
        first = positions[0];
        // positions ascend, since elements of lists do
        return IsAscendingByOne(positions, entries.ValueCount);
    }

    private static bool IsAscendingByOne(int* positions, int count)
    {
        for (var i = 1; i < count; i++)
            if (positions[i] != positions[i - 1] + 1)
                return false;
        return true;
    }

    private static void Gather<T>(LeafEntries entries, T* values, T* target) where T : unmanaged
    {
        if (entries.Positions is { } buffer)
        {
            var positions = (int*)buffer.Pointer;
            for (var i = 0; i < entries.ValueCount; i++)
                target[i] = values[positions[i]];
            return;
        }
        var validity = entries.Column.Validity;
        for (var start = 0; start < entries.Count; start += 64)
        {
            var length = Math.Min(64, entries.Count - start);
            var word = BitRange.Read(validity, start, length);
            if (word == ulong.MaxValue)
            {
                Buffer.MemoryCopy(values + start, target, 64 * sizeof(T), 64 * sizeof(T));
                target += 64;
                continue;
            }
            for (; word != 0; word &= word - 1)
                *target++ = values[start + BitOperations.TrailingZeroCount(word)];
        }
    }

    private static TTo* Convert<TFrom, TTo>(TFrom* values, int count, GrowingBuffer converted)
        where TFrom : unmanaged, IBinaryInteger<TFrom> where TTo : unmanaged, IBinaryInteger<TTo>
    {
        var target = (TTo*)converted.Reserve(checked(count * sizeof(TTo)));
        for (var i = 0; i < count; i++)
            target[i] = TTo.CreateTruncating(values[i]);
        return target;
    }

    private static byte* BigEndian(Int128* values, int count, int width, GrowingBuffer converted)
    {
        var start = converted.Reserve(checked(count * width + sizeof(Int128)));
        var target = start;
        Span<byte> all = stackalloc byte[sizeof(Int128)];
        for (var i = 0; i < count; i++, target += width)
        {
            BinaryPrimitives.WriteInt128BigEndian(all, values[i]);
            all[^width..].CopyTo(new Span<byte>(target, width));
        }
        return start;
    }
}
