using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Reads levels packed most significant bit first without runs (Encodings.md, "Bit-packed (Deprecated)").</summary>
/// <param name="start">First byte.</param>
/// <param name="end">Behind the last byte.</param>
/// <param name="width">Bits per value.</param>
internal unsafe struct LegacyBitPackedReader(byte* start, byte* end, int width)
{
    private long _bit;

    /// <summary>Reads values.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many.</exception>
    public void Read(uint* target, int count)
    {
        if (_bit + (long)count * width > (end - start) * 8)
            throw new ParquetFault("there are fewer levels than announced", end - start);
        for (var i = 0; i < count; i++)
        {
            var value = 0U;
            for (var bit = 0; bit < width; bit++, _bit++)
                value = value << 1 | (uint)(start[_bit >> 3] >> (int)(7 - (_bit & 7)) & 1);
            target[i] = value;
        }
    }
}
