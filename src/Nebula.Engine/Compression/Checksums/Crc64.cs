namespace Nebula.Engine.Compression.Checksums;

/// <summary>CRC-64 of xz (ECMA-182, polynomial 0xC96C5795D7870F42 reflected), register and result inverted.</summary>
internal static class Crc64
{
    private static readonly ulong[] Table = MakeTable();

    /// <summary>Continues a checksum over more bytes; start with 0.</summary>
    public static ulong Update(ulong crc, ReadOnlySpan<byte> data)
    {
        crc = ~crc;
        foreach (var value in data)
            crc = crc >> 8 ^ Table[(byte)crc ^ value];
        return ~crc;
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var i = 0; i < table.Length; i++)
        {
            var value = (ulong)i;
            for (var bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (0xC96C5795D7870F42 & (0 - (value & 1)));
            table[i] = value;
        }
        return table;
    }
}
