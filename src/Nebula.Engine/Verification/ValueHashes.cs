using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Verification;

/// <summary>The hash of each value of a column; <see cref="ContentHasher"/> says what it depends on.</summary>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class ValueHashes(BufferPool pool)
{
    /// <summary>Most values that are hashed at a time: what is worked on stays in the nearest cache.</summary>
    public const int MostAtOnce = 1024;

    private static ReadOnlySpan<byte> NoText => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Hashes values.</summary>
    /// <param name="column">The column.</param>
    /// <param name="start">The first value.</param>
    /// <param name="target">Takes the hashes, at most <see cref="MostAtOnce"/>.</param>
    public void Hash(Column column, int start, Span<ulong> target)
    {
        if (column.Dictionary is { } dictionary)
            HashTexts(dictionary, column.Indices.Slice(start, target.Length), target);
        else
            switch (column.Type.Kind)
            {
                case TypeKind.Bool:
                    HashBits(column, start, target);
                    break;
                case TypeKind.Int8:
                    HashIntegers(column.Values<sbyte>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Int16:
                    HashIntegers(column.Values<short>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Int32 or TypeKind.Date:
                    HashIntegers(column.Values<int>().Slice(start, target.Length), target);
                    break;
                case TypeKind.UInt8:
                    HashIntegers(column.Values<byte>().Slice(start, target.Length), target);
                    break;
                case TypeKind.UInt16:
                    HashIntegers(column.Values<ushort>().Slice(start, target.Length), target);
                    break;
                case TypeKind.UInt32:
                    HashIntegers(column.Values<uint>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Int64 or TypeKind.UInt64 or TypeKind.Time or TypeKind.Timestamp:
                    MemoryMarshal.Cast<long, ulong>(column.Values<long>()).Slice(start, target.Length).CopyTo(target);
                    HashMixing.MixAll(target);
                    break;
                case TypeKind.Float32:
                    HashFloats(column.Values<float>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Float64:
                    HashFloats(column.Values<double>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Decimal when column.Type.ByteWidth == sizeof(long):
                    HashDecimals(column.Values<long>().Slice(start, target.Length), column.Type.Scale, target);
                    break;
                case TypeKind.Decimal:
                    HashDecimals(column.Values<Int128>().Slice(start, target.Length), column.Type.Scale, target);
                    break;
                case TypeKind.Uuid:
                    HashUuids(column.Values<UInt128>().Slice(start, target.Length), target);
                    break;
                case TypeKind.Json:
                    HashJson(column, start, target);
                    break;
                case TypeKind.List:
                    HashLists(column, start, target, HashMixing.Fold);
                    break;
                case TypeKind.Map:
                    // the entries of a map have no order
                    HashLists(column, start, target, static (before, entry) => before + HashMixing.Mix(entry));
                    break;
                case TypeKind.Struct:
                    HashFields(column, start, target);
                    break;
                default:
                    HashTexts(column, start, target);
                    break;
            }
        if (column.HasValidity)
            SetNulls(column.Validity, start, target);
    }

    private static void HashBits(Column column, int start, Span<ulong> target)
    {
        var bits = column.Bits;
        for (var i = 0; i < target.Length; i++)
            target[i] = Bitmap.Get(bits, start + i) ? 1UL : 0;
        HashMixing.MixAll(target);
    }

    private static void HashIntegers<T>(ReadOnlySpan<T> values, Span<ulong> target) where T : IBinaryInteger<T>
    {
        for (var i = 0; i < values.Length; i++)
            target[i] = ulong.CreateTruncating(values[i]);
        HashMixing.MixAll(target);
    }

    private static void HashFloats<T>(ReadOnlySpan<T> values, Span<ulong> target) where T : IBinaryFloatingPointIeee754<T>
    {
        for (var i = 0; i < values.Length; i++)
        {
            // to add zero makes -0.0 positive and changes nothing else
            var value = double.CreateTruncating(values[i]) + 0.0;
            target[i] = BitConverter.DoubleToUInt64Bits(double.IsNaN(value) ? double.NaN : value);
        }
        HashMixing.MixAll(target);
    }

    private static void HashDecimals(ReadOnlySpan<long> values, int scale, Span<ulong> target)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var (value, places) = (values[i], scale);
            for (; places > 0 && value % 10 == 0; places--)
                value /= 10;
            target[i] = WordOf(value, places);
        }
        HashMixing.MixAll(target);
    }

    private static void HashDecimals(ReadOnlySpan<Int128> values, int scale, Span<ulong> target)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var (value, places) = (values[i], scale);
            // most fit into 64 bits, where division takes one instruction instead of a hundred
            for (; places > 0 && (value != (long)value || (long)value % 10 == 0); places--)
            {
                var (quotient, remainder) = Int128.DivRem(value, 10);
                if (remainder != 0)
                    break;
                value = quotient;
            }
            target[i] = value == (long)value ? WordOf((long)value, places)
                : HashMixing.Mix((ulong)(UInt128)value) + (ulong)((UInt128)value >> 64) + PlacesOf(places);
        }
        HashMixing.MixAll(target);
    }

    private static ulong WordOf(long value, int places) => (ulong)value + PlacesOf(places);

    private static ulong PlacesOf(int places) => (ulong)places * 0x8EBC6AF09C88C6E3;

    private static void HashUuids(ReadOnlySpan<UInt128> values, Span<ulong> target)
    {
        for (var i = 0; i < values.Length; i++)
            target[i] = HashMixing.Mix((ulong)values[i]) + (ulong)(values[i] >> 64);
        HashMixing.MixAll(target);
    }

    private static void HashTexts(Column column, int start, Span<ulong> target)
    {
        var offsets = column.Offsets.Slice(start, target.Length + 1);
        fixed (byte* bytes = BytesOf(column))
            for (var i = 0; i < target.Length; i++)
                target[i] = HashMixing.Bytes(bytes + offsets[i], offsets[i + 1] - offsets[i]);
    }

    private static void HashTexts(Column dictionary, ReadOnlySpan<int> indices, Span<ulong> target)
    {
        var offsets = dictionary.Offsets;
        fixed (byte* bytes = BytesOf(dictionary))
            for (var i = 0; i < target.Length; i++)
            {
                // the index of a null may be anything
                var index = indices[i];
                target[i] = (uint)index >= (uint)dictionary.Length || dictionary.IsNull(index) ? HashMixing.Null
                    : HashMixing.Bytes(bytes + offsets[index], offsets[index + 1] - offsets[index]);
            }
    }

    /// <summary>The bytes of all texts; where there are none, some that can be read all the same.</summary>
    private static ReadOnlySpan<byte> BytesOf(Column column) => column.Bytes is { IsEmpty: false } bytes ? bytes : NoText;

    private void HashJson(Column column, int start, Span<ulong> target)
    {
        var offsets = column.Offsets.Slice(start, target.Length + 1);
        fixed (byte* bytes = BytesOf(column))
            for (var i = 0; i < target.Length; i++)
            {
                var text = new ReadOnlySpan<byte>(bytes + offsets[i], offsets[i + 1] - offsets[i]);
                if (text.IndexOfAny(JsonText.WhiteSpace) < 0)
                {
                    target[i] = HashJson(bytes + offsets[i], text.Length);
                    continue;
                }
                using var compact = pool.Rent(text.Length);
                target[i] = HashJson(compact.Pointer, JsonText.Compact(text, compact.Span));
            }
    }

    private static ulong HashJson(byte* text, int length) =>
        length == 0 || new ReadOnlySpan<byte>(text, length).SequenceEqual("null"u8) ? HashMixing.Null : HashMixing.Bytes(text, length);

    private void HashFields(Column column, int start, Span<ulong> target)
    {
        target.Fill(HashMixing.Start);
        using var buffer = pool.Rent(target.Length * sizeof(ulong));
        var hashes = buffer.As<ulong>()[..target.Length];
        foreach (var child in column.Children)
        {
            Hash(child, start, hashes);
            HashMixing.FoldAll(target, hashes);
        }
        HashMixing.MixAll(target);
    }

    /// <summary>Hashes lists, or maps: each element is hashed, and what an element has of children is put together.</summary>
    private void HashLists(Column column, int start, Span<ulong> target, Func<ulong, ulong, ulong> add)
    {
        var offsets = column.Offsets.Slice(start, target.Length + 1);
        using var buffer = pool.Rent(2 * MostAtOnce * sizeof(ulong));
        var elements = buffer.As<ulong>()[..MostAtOnce];
        var hashes = buffer.As<ulong>().Slice(MostAtOnce, MostAtOnce);
        var (list, hash) = (0, HashMixing.Start);
        for (var first = offsets[0]; first < offsets[^1]; first += MostAtOnce)
        {
            var count = Math.Min(MostAtOnce, offsets[^1] - first);
            elements.Fill(HashMixing.Start);
            foreach (var child in column.Children)
            {
                Hash(child, first, hashes[..count]);
                HashMixing.FoldAll(elements, hashes[..count]);
            }
            for (var i = 0; i < count; i++)
            {
                while (offsets[list + 1] <= first + i)
                    End(target);
                hash = add(hash, elements[i]);
            }
        }
        while (list < target.Length)
            End(target);

        void End(Span<ulong> target)
        {
            target[list++] = HashMixing.Mix(hash);
            hash = HashMixing.Start;
        }
    }

    private static void SetNulls(ReadOnlySpan<byte> validity, int start, Span<ulong> target)
    {
        for (var i = 0; i < target.Length; i++)
        {
            var valid = 0 - (ulong)((validity[(start + i) >> 3] >> ((start + i) & 7)) & 1);
            target[i] = (target[i] & valid) | (HashMixing.Null & ~valid);
        }
    }
}
