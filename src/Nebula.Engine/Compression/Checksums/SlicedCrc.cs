using System.Buffers.Binary;

namespace Nebula.Engine.Compression.Checksums;

/// <summary>A reflected 32-bit CRC by eight tables (slicing-by-8): the portable way, and the tail of every faster one.</summary>
internal sealed class SlicedCrc
{
    private readonly uint[] _tables = new uint[8 * 256];

    /// <summary>Computes the tables.</summary>
    /// <param name="polynomial">The polynomial, bit-reversed.</param>
    public SlicedCrc(uint polynomial)
    {
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * polynomial);
            _tables[i] = crc;
        }
        for (var i = 256; i < _tables.Length; i++)
            _tables[i] = (_tables[i - 256] >> 8) ^ _tables[_tables[i - 256] & 0xFF];
    }

    /// <summary>Continues a register (not inverted) over more bytes.</summary>
    public uint Update(uint register, ReadOnlySpan<byte> data)
    {
        var tables = _tables.AsSpan(0, 8 * 256);
        for (; data.Length >= 8; data = data[8..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ register;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            register = tables[(int)(7 * 256 + (low & 0xFF))] ^ tables[(int)(6 * 256 + (low >> 8 & 0xFF))]
                ^ tables[(int)(5 * 256 + (low >> 16 & 0xFF))] ^ tables[(int)(4 * 256 + (low >> 24))]
                ^ tables[(int)(3 * 256 + (high & 0xFF))] ^ tables[(int)(2 * 256 + (high >> 8 & 0xFF))]
                ^ tables[(int)(1 * 256 + (high >> 16 & 0xFF))] ^ tables[(int)(high >> 24)];
        }
        foreach (var b in data)
            register = (register >> 8) ^ tables[(int)((register ^ b) & 0xFF)];
        return register;
    }
}
