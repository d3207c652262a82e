using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Writes byte strings that lie one behind the other (Encodings.md, "Plain", "Delta-length byte array", "Delta strings").</summary>
internal static unsafe class ByteArrayWriter
{
    /// <summary>Each value behind its length.</summary>
    /// <param name="bytes">What offsets count from.</param>
    /// <param name="offsets">Start of each value, and the end of the last.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WritePlain(byte* bytes, int* offsets, int count, GrowingBuffer output)
    {
        for (var i = 0; i < count; i++)
        {
            var length = offsets[i + 1] - offsets[i];
            var target = output.Reserve(sizeof(int) + length);
            *(int*)target = length;
            Buffer.MemoryCopy(bytes + offsets[i], target + sizeof(int), length, length);
            output.Extend(sizeof(int) + length);
        }
    }

    /// <summary>All lengths, then all bytes.</summary>
    /// <param name="bytes">What offsets count from.</param>
    /// <param name="offsets">Start of each value, and the end of the last.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="scratch">Working memory; its content is lost.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WriteDeltaLength(byte* bytes, int* offsets, int count, GrowingBuffer scratch, GrowingBuffer output)
    {
        var lengths = Scratch(scratch, count);
        for (var i = 0; i < count; i++)
            lengths[i] = offsets[i + 1] - offsets[i];
        DeltaBinaryPackedWriter.Write(lengths, count, output);
        new ReadOnlySpan<byte>(bytes + offsets[0], offsets[count] - offsets[0]).CopyTo(output.Extend(offsets[count] - offsets[0]));
    }

    /// <summary>How many bytes each value shares with the one before, then the rest of each as <see cref="WriteDeltaLength"/> writes it.</summary>
    /// <param name="bytes">What offsets count from.</param>
    /// <param name="offsets">Start of each value, and the end of the last.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="scratch">Working memory; its content is lost.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void WriteDelta(byte* bytes, int* offsets, int count, GrowingBuffer scratch, GrowingBuffer output)
    {
        var prefixes = Scratch(scratch, 2 * count);
        var suffixes = prefixes + count;
        for (var i = 0; i < count; i++)
        {
            var value = Value(bytes, offsets, i);
            prefixes[i] = i == 0 ? 0 : value.CommonPrefixLength(Value(bytes, offsets, i - 1));
            suffixes[i] = value.Length - prefixes[i];
        }
        DeltaBinaryPackedWriter.Write(prefixes, count, output);
        DeltaBinaryPackedWriter.Write(suffixes, count, output);
        for (var i = 0; i < count; i++)
            Value(bytes, offsets, i)[prefixes[i]..].CopyTo(output.Extend(suffixes[i]));
    }

    private static ReadOnlySpan<byte> Value(byte* bytes, int* offsets, int i) => new(bytes + offsets[i], offsets[i + 1] - offsets[i]);

    private static int* Scratch(GrowingBuffer scratch, int count)
    {
        scratch.Truncate(0);
        return (int*)scratch.Reserve(checked(count * sizeof(int)));
    }
}
