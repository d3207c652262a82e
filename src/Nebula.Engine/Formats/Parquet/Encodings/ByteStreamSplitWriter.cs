using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>
/// Writes the first bytes of all values, then the second bytes, and so on (Encodings.md, "Byte Stream Split"): what floating-point numbers share lies
/// together then.
/// </summary>
internal static unsafe class ByteStreamSplitWriter
{
    /// <summary>Writes values of 4 or 8 bytes.</summary>
    /// <param name="values">The values.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="width">Bytes per value.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void Write(byte* values, int count, int width, GrowingBuffer output)
    {
        var target = output.Reserve(checked(count * width));
        for (var stream = 0; stream < width; stream++, target += count)
            for (var i = 0; i < count; i++)
                target[i] = values[i * width + stream];
        output.Extend(count * width);
    }
}
