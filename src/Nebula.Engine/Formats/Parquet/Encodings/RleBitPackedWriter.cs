using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>
/// Writes runs of equal values and bit-packed groups of eight mixed (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"): dictionary positions and
/// levels.
/// </summary>
/// <remarks>Runs are looked for at multiples of eight only, so every run of fifteen is found and no value is ever looked at twice.</remarks>
internal static unsafe class RleBitPackedWriter
{
    private const int Group = 8;

    // A run of one group takes as much as a group where values are narrow, but ends the packed groups before it.
    private const int MinRunGroups = 2;

    // 2^24 groups: the header of a packed run must fit 32 bits.
    private const int MaxPackedGroups = 1 << 24;

    /// <summary>Writes values of up to 16 bits.</summary>
    /// <param name="values">The values. Eight more behind them must be readable.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="width">Bits per value, 0 to 16.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void Write(ushort* values, int count, int width, GrowingBuffer output)
    {
        if (count == 0)
            return;
        if (width == 0)
        {
            WriteVarint((uint)count << 1, output);
            return;
        }
        var fullGroups = count / Group;
        var packedFrom = 0;
        var group = 0;
        while (group < fullGroups)
        {
            if (!IsUniform(values + group * Group))
            {
                group++;
                continue;
            }
            var length = RunLength(values, group * Group, count);
            if (length < MinRunGroups * Group && length < count - group * Group)
            {
                group += length / Group;
                continue;
            }
            // a run may end within a group only where all values end, since packed groups are whole
            if (length < count - group * Group)
                length -= length % Group;
            WritePacked(values, packedFrom, group, width, output);
            WriteRun(values[group * Group], length, width, output);
            group += length / Group;
            packedFrom = group;
            if (length % Group != 0)
                return;
        }
        WritePacked(values, packedFrom, group, width, output);
        WriteTail(values + group * Group, count % Group, width, output);
    }

    /// <summary>Writes values of one bit that lie in a bitmap: levels of a column that is not nested.</summary>
    /// <param name="bits">The bitmap, in whole 64-bit words.</param>
    /// <param name="start">First bit.</param>
    /// <param name="count">Number of bits.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WriteBits(ReadOnlySpan<byte> bits, int start, int count, GrowingBuffer output)
    {
        var at = 0;
        var packedFrom = 0;
        while (at < count)
        {
            var word = BitRange.Read(bits, start + at, Math.Min(64, count - at));
            var uniform = (word & 1) == 0 ? 0UL : ulong.MaxValue;
            if (count - at < 64 || word != uniform)
            {
                at += 64;
                continue;
            }
            var length = 64;
            while (at + length + 64 <= count && BitRange.Read(bits, start + at + length, 64) == uniform)
                length += 64;
            WritePackedBits(bits, start, packedFrom, at, output);
            WriteRun((ushort)(word & 1), length, 1, output);
            at += length;
            packedFrom = at;
        }
        WritePackedBits(bits, start, packedFrom, count, output);
    }

    /// <summary>Writes values of up to 8 bits that lie in bytes: levels of a nested column.</summary>
    /// <param name="values">The values.</param>
    /// <param name="width">Bits per value, 0 to 8.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WriteBytes(ReadOnlySpan<byte> values, int width, GrowingBuffer output)
    {
        // whole groups, so that a piece can follow the one before
        const int Piece = 512 * Group;
        var widened = stackalloc ushort[Piece + Group];
        for (; !values.IsEmpty; values = values[Math.Min(Piece, values.Length)..])
        {
            var count = Math.Min(Piece, values.Length);
            for (var i = 0; i < count; i++)
                widened[i] = values[i];
            Write(widened, count, width, output);
        }
    }

    /// <summary>Writes one value many times.</summary>
    /// <param name="value">The value.</param>
    /// <param name="count">How many times.</param>
    /// <param name="width">Bits per value, 0 to 16.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WriteRepeated(ushort value, int count, int width, GrowingBuffer output)
    {
        if (count > 0)
            WriteRun(value, count, width, output);
    }

    private static bool IsUniform(ushort* values) => Vector128.Load(values) == Vector128.Create(*values);

    private static int RunLength(ushort* values, int start, int count)
    {
        var value = values[start];
        var end = start + Group;
        while (end + Group <= count && Vector128.Load(values + end) == Vector128.Create(value))
            end += Group;
        while (end < count && values[end] == value)
            end++;
        return end - start;
    }

    private static void WriteRun(ushort value, int count, int width, GrowingBuffer output)
    {
        WriteVarint((uint)count << 1, output);
        if (width > 0)
            output.Append((byte)value);
        if (width > 8)
            output.Append((byte)(value >> 8));
    }

    private static void WritePacked(ushort* values, int fromGroup, int toGroup, int width, GrowingBuffer output)
    {
        while (fromGroup < toGroup)
        {
            var groups = Math.Min(toGroup - fromGroup, MaxPackedGroups);
            WriteVarint((uint)groups << 1 | 1, output);
            var target = output.Reserve(groups * width + BitPacker.Overshoot);
            BitPacker.Pack16(values + fromGroup * Group, groups, width, target);
            output.Extend(groups * width);
            fromGroup += groups;
        }
    }

    /// <summary>Writes the last values, fewer than a group: readers know how many there are and ignore the rest.</summary>
    private static void WriteTail(ushort* values, int count, int width, GrowingBuffer output)
    {
        if (count == 0)
            return;
        var padded = stackalloc ushort[Group];
        new Span<ushort>(padded, Group).Clear();
        new Span<ushort>(values, count).CopyTo(new Span<ushort>(padded, Group));
        WritePacked(padded, 0, 1, width, output);
    }

    private static void WritePackedBits(ReadOnlySpan<byte> bits, int start, int from, int to, GrowingBuffer output)
    {
        while (from < to)
        {
            var count = Math.Min(to - from, MaxPackedGroups * Group);
            var groups = (count + Group - 1) / Group;
            WriteVarint((uint)groups << 1 | 1, output);
            var target = output.Reserve(groups + sizeof(ulong));
            for (var i = 0; i < count; i += 64)
                *(ulong*)(target + i / Group) = BitRange.Read(bits, start + from + i, Math.Min(64, count - i));
            output.Extend(groups);
            from += count;
        }
    }

    /// <summary>Writes an unsigned number, seven bits a byte, least significant first.</summary>
    internal static void WriteVarint(ulong value, GrowingBuffer output)
    {
        for (; value >= 0x80; value >>= 7)
            output.Append((byte)(value | 0x80));
        output.Append((byte)value);
    }
}
