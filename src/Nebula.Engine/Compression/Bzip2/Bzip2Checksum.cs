namespace Nebula.Engine.Compression.Bzip2;

/// <summary>The CRC-32 of bzip2: polynomial 0x04C11DB7, most significant bit first.</summary>
internal static class Bzip2Checksum
{
    private static readonly uint[] Table = MakeTable();

    /// <summary>Continues a checksum, not yet inverted.</summary>
    public static uint Update(uint crc, byte value) => crc << 8 ^ Table[crc >> 24 ^ value];

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0; i < table.Length; i++)
        {
            var value = (uint)i << 24;
            for (var bit = 0; bit < 8; bit++)
                value = value << 1 ^ (value >> 31) * 0x04C11DB7;
            table[i] = value;
        }
        return table;
    }
}
