using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>What readers of strings and binary values share.</summary>
internal static unsafe class VariableValues
{
    /// <summary>Puts the ends of values into slots; a slot without value is as long as nothing.</summary>
    /// <param name="lengths">Lengths of the values.</param>
    /// <param name="validity">Bit per slot; empty when every slot has a value.</param>
    /// <param name="offsets">Takes an offset per slot and the end.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="limit">Greatest sum of lengths allowed.</param>
    /// <param name="longest">Length of the longest value.</param>
    /// <returns>Sum of the lengths; a number above the limit when they exceed it, and the offsets are then incomplete.</returns>
    public static long WriteOffsets(ReadOnlySpan<long> lengths, ReadOnlySpan<byte> validity, int* offsets, int slots, long limit, out long longest)
    {
        var sum = 0L;
        var next = 0;
        offsets[0] = 0;
        longest = 0;
        for (var slot = 0; slot < slots; slot++)
        {
            if (validity.IsEmpty || Bitmap.Get(validity, slot))
            {
                var length = lengths[next++];
                if (length < 0)
                    throw new OrcFault($"a value has the impossible length {length}");
                longest = Math.Max(longest, length);
                // the first summand may be anything
                if ((sum += Math.Min(length, int.MaxValue)) > limit)
                    return sum;
            }
            offsets[slot + 1] = (int)sum;
        }
        return sum;
    }

    /// <summary>Throws when text is not UTF-8, or a character lies in two values.</summary>
    /// <param name="bytes">All bytes.</param>
    /// <param name="offsets">Where values start, and the end.</param>
    public static void RequireUtf8(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets)
    {
        if (Ascii.IsValid(bytes))
            return;
        var invalid = Utf8Validator.FindInvalid(bytes);
        for (var i = 0; invalid < 0 && i < offsets.Length - 1; i++)
            if (offsets[i] < bytes.Length && (bytes[offsets[i]] & 0xC0) == 0x80)
                invalid = offsets[i];
        if (invalid < 0)
            return;
        var value = 0;
        while (value < offsets.Length - 2 && offsets[value + 1] <= invalid)
            value++;
        throw new OrcFault($"the string {DataFormatException.Show(bytes[offsets[value]..offsets[value + 1]])} is not valid UTF-8",
            "Have the writer store it as binary, or leave out the column.");
    }
}

/// <summary>string, char, varchar and binary without dictionary (ORC v1, "String, Char, and VarChar Columns", "Binary Columns").</summary>
internal sealed unsafe class DirectStringColumnReader(BlockStreams block, OrcType type, DataType dataType, string path)
    : ColumnReader(block, type, dataType, path)
{
    private readonly int _column = type.Id;
    private readonly ByteStream? _data = block.OpenBytes(type.Id, StreamKind.Data);
    private readonly IntegerReader? _lengths = block.OpenIntegers(type.Id, StreamKind.Length, isSigned: false);

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var offsets = scope.Add(pool.Rent(checked((slots + 1) * sizeof(int))));
        long total = 0;
        if (count > 0)
        {
            using var lengths = pool.Rent(checked(count * sizeof(long)));
            (_lengths ?? throw BlockStreams.Missing(StreamKind.Length)).Read((long*)lengths.Pointer, count);
            var valid = validity is null || count == slots ? default : validity.Span;
            total = VariableValues.WriteOffsets(new ReadOnlySpan<long>(lengths.Pointer, count), valid, (int*)offsets.Pointer, slots, Block.BatchLimit,
                out var longest);
            Block.CheckBatch(total, longest);
        }
        else
            offsets.As<int>()[..(slots + 1)].Clear();
        BlockStreams.CheckHolds(_data, total);
        var bytes = scope.Add(pool.Rent((int)total));
        if (total > 0)
        {
            _data!.CopyTo(bytes.Pointer, total);
            if (DataType.Kind == TypeKind.String)
                VariableValues.RequireUtf8(bytes.Span[..(int)total], offsets.As<int>()[..(slots + 1)]);
        }
        return new Column(DataType, slots, slots - count, validity, bytes, offsets);
    }

    protected override void VerifyStreams()
    {
        Block.VerifyEnd(_data, _column, StreamKind.Data);
        _lengths?.VerifyEnd();
    }
}
