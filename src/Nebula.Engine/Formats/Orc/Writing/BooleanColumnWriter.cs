using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes streams of bits (ORC v1, "Boolean Run Length Encoding"): nulls, and boolean columns.</summary>
internal static class BooleanColumnWriter
{
    /// <summary>Writes which slots have values.</summary>
    public static void WritePresent(StripeWriter stripe, ColumnOutput output, Column column, Selection slots) =>
        WriteBits(stripe, output, StreamKind.Present, column.Validity, slots);

    /// <summary>Writes the values of a boolean column.</summary>
    public static void Write(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            var set = 0;
            if (valid.IsRange)
                set = BitRange.CountSet(column.Bits, valid.First + start, end - start);
            else
                foreach (var slot in valid.Slots[start..end])
                    set += Bitmap.Get(column.Bits, slot) ? 1 : 0;
            output.Statistics[group].AddSum(set);
        }
        WriteBits(stripe, output, StreamKind.Data, column.Bits, valid);
    }

    private static void WriteBits(StripeWriter stripe, ColumnOutput output, StreamKind kind, ReadOnlySpan<byte> bits, Selection slots)
    {
        var stream = stripe.Begin(output, kind, PositionForm.Bits, slots.Groups);
        using var packed = stripe.Pool.Rent(Bitmap.ByteCount(slots.Count) + sizeof(ulong));
        var bytes = packed.Span[..((slots.Count + 7) / 8)];
        Gather(bits, slots, packed.Span);
        // Runs end at the byte in which a row group starts, so that positions are plain offsets.
        var written = 0;
        for (var group = 0; group < slots.Groups; group++)
        {
            var start = slots.Group(group).Start;
            ByteRunWriter.Write(bytes[written..(start >> 3)], stripe.Content);
            written = start >> 3;
            stream.GroupStarts(group, stripe.Content.Length, start & 7);
        }
        ByteRunWriter.Write(bytes[written..], stripe.Content);
        stripe.End(stream);
    }

    /// <summary>Collects the bits of slots, most significant first.</summary>
    private static void Gather(ReadOnlySpan<byte> bits, Selection slots, Span<byte> target)
    {
        for (var i = 0; i < slots.Count; i += 64)
        {
            var count = Math.Min(64, slots.Count - i);
            var word = 0ul;
            if (slots.IsRange)
                word = BitRange.Read(bits, slots.First + i, count);
            else
                for (var bit = 0; bit < count; bit++)
                    word |= Bitmap.Get(bits, slots[i + bit]) ? 1ul << bit : 0;
            BinaryPrimitives.WriteUInt64LittleEndian(target[(i >> 3)..], ReverseBitsOfBytes(word));
        }
    }

    private static ulong ReverseBitsOfBytes(ulong word)
    {
        word = (word >> 1 & 0x5555_5555_5555_5555) | (word & 0x5555_5555_5555_5555) << 1;
        word = (word >> 2 & 0x3333_3333_3333_3333) | (word & 0x3333_3333_3333_3333) << 2;
        return (word >> 4 & 0x0F0F_0F0F_0F0F_0F0F) | (word & 0x0F0F_0F0F_0F0F_0F0F) << 4;
    }
}
