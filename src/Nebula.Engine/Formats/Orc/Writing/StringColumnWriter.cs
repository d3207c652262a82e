using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes strings and binary values (ORC v1, "String, Char, and VarChar Columns", "Binary Columns"), strings with a dictionary where that is
/// smaller.</summary>
internal static class StringColumnWriter
{
    /// <summary>Writes the values of a column.</summary>
    public static void Write(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        if (output.Type.Kind == OrcTypeKind.String)
        {
            using var dictionary = StringDictionary.TryBuild(column, valid, stripe.Pool);
            if (dictionary is not null)
            {
                WriteWithDictionary(stripe, output, dictionary, valid);
                return;
            }
        }
        if (column.Dictionary is null)
            WriteDirect(stripe, output, column, valid);
        else
        {
            using var written = Storage.DictionaryEncoder.Decode(stripe.Pool, column);
            WriteDirect(stripe, output, written, valid);
        }
    }

    private static void WriteDirect(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        var offsets = column.Offsets;
        var bytes = column.Bytes;
        var content = stripe.Begin(output, StreamKind.Data, PositionForm.Bytes, valid.Groups);
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            content.GroupStarts(group, stripe.Content.Length);
            if (valid.IsRange)
            {
                var all = bytes[offsets[valid.First + start]..offsets[valid.First + end]];
                all.CopyTo(stripe.Content.Extend(all.Length));
            }
            else
                foreach (var slot in valid.Slots[start..end])
                {
                    var value = bytes[offsets[slot]..offsets[slot + 1]];
                    value.CopyTo(stripe.Content.Extend(value.Length));
                }
        }
        stripe.End(content);

        var lengths = stripe.Begin(output, StreamKind.Length, PositionForm.Runs, valid.Groups);
        using var scratch = stripe.Pool.Rent(Math.Max(NumberColumnWriter.LargestGroup(valid), 1) * sizeof(long));
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            lengths.GroupStarts(group, stripe.Content.Length);
            var target = scratch.As<long>()[..(end - start)];
            var sum = 0L;
            for (var i = 0; i < target.Length; i++)
            {
                var slot = valid[start + i];
                sum += target[i] = offsets[slot + 1] - offsets[slot];
            }
            output.Statistics[group].AddSum(sum);
            AddExtremes(output, group, column, valid);
            IntegerWriter.Write(target, isSigned: false, stripe.Content);
        }
        stripe.End(lengths);
    }

    /// <summary>Finds the least and greatest string of a row group; the first 8 bytes mostly decide.</summary>
    private static void AddExtremes(ColumnOutput output, int group, Column column, Selection valid)
    {
        var (start, end) = valid.Group(group);
        var offsets = column.Offsets;
        var bytes = column.Bytes;
        if (output.BloomFilters.Length > 0)
            for (var i = start; i < end; i++)
                output.BloomFilters[group].Add(bytes[offsets[valid[i]]..offsets[valid[i] + 1]]);
        if (start == end || output.Type.Kind != OrcTypeKind.String)
            return;
        ReadOnlySpan<byte> least = default, greatest = default;
        var (leastStart, greatestStart) = (ulong.MaxValue, 0ul);
        for (var i = start; i < end; i++)
        {
            var slot = valid[i];
            var value = bytes[offsets[slot]..offsets[slot + 1]];
            var prefix = Prefix(value);
            if (prefix <= leastStart && (prefix < leastStart || i == start || value.SequenceCompareTo(least) < 0))
            {
                least = value;
                leastStart = prefix;
            }
            if (prefix >= greatestStart && (prefix > greatestStart || i == start || value.SequenceCompareTo(greatest) > 0))
            {
                greatest = value;
                greatestStart = prefix;
            }
        }
        output.Statistics[group].AddBytes(least, greatest);
    }

    private static ulong Prefix(ReadOnlySpan<byte> value)
    {
        if (value.Length >= sizeof(ulong))
            return BinaryPrimitives.ReadUInt64BigEndian(value);
        var prefix = 0ul;
        for (var i = 0; i < value.Length; i++)
            prefix |= (ulong)value[i] << (56 - 8 * i);
        return prefix;
    }

    private static void WriteWithDictionary(StripeWriter stripe, ColumnOutput output, StringDictionary dictionary, Selection valid)
    {
        output.Encoding = new ColumnEncoding(ColumnEncodingKind.DictionaryV2, (uint)dictionary.Count);
        var indices = stripe.Begin(output, StreamKind.Data, PositionForm.Runs, valid.Groups);
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            indices.GroupStarts(group, stripe.Content.Length);
            var values = dictionary.Indices[start..end];
            var (least, greatest, sum) = (long.MaxValue, 0L, 0L);
            foreach (var value in values)
                (least, greatest, sum) = (Math.Min(least, value), Math.Max(greatest, value), sum + dictionary.LengthOf((int)value));
            if (!values.IsEmpty)
            {
                // entries are sorted
                output.Statistics[group].AddBytes(dictionary[(int)least], dictionary[(int)greatest]);
                output.Statistics[group].AddSum(sum);
                if (output.BloomFilters.Length > 0)
                    foreach (var value in values)
                        output.BloomFilters[group].Add(dictionary[(int)value]);
            }
            IntegerWriter.Write(values, isSigned: false, stripe.Content);
        }
        stripe.End(indices);

        var bytes = stripe.Begin(output, StreamKind.DictionaryData, PositionForm.Bytes, 0);
        for (var entry = 0; entry < dictionary.Count; entry++)
            dictionary[entry].CopyTo(stripe.Content.Extend(dictionary[entry].Length));
        stripe.End(bytes);

        var lengths = stripe.Begin(output, StreamKind.Length, PositionForm.Runs, 0);
        using var scratch = stripe.Pool.Rent(Math.Max(dictionary.Count, 1) * sizeof(long));
        var target = scratch.As<long>()[..dictionary.Count];
        for (var entry = 0; entry < dictionary.Count; entry++)
            target[entry] = dictionary.LengthOf(entry);
        IntegerWriter.Write(target, isSigned: false, stripe.Content);
        stripe.End(lengths);
    }
}
