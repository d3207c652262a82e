using System.Buffers.Binary;

namespace System.IO.Hashing;

/// <summary>CRC-32 as in IEEE 802.3: polynomial 0x04C11DB7, bits reflected, all bits inverted before and after. The hash is written with its lowest byte
/// first.</summary>
public sealed class Crc32 : NonCryptographicHashAlgorithm
{
    private const uint ReflectedPolynomial = 0xEDB88320;
    private static readonly uint[] Table = MakeTable();
    private uint _crc = uint.MaxValue;

    /// <summary>Makes the hash of no data.</summary>
    public Crc32()
        : base(sizeof(uint))
    {
    }

    /// <summary>The hash of data.</summary>
    /// <param name="source">The data.</param>
    public static byte[] Hash(ReadOnlySpan<byte> source)
    {
        var crc = new Crc32();
        crc.Append(source);
        return crc.GetCurrentHash();
    }

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> source)
    {
        var crc = _crc;
        foreach (var b in source)
            crc = Table[(byte)crc ^ b] ^ (crc >> 8);
        _crc = crc;
    }

    /// <inheritdoc/>
    public override void Reset() => _crc = uint.MaxValue;

    /// <inheritdoc/>
    protected override void GetCurrentHashCore(Span<byte> destination) => BinaryPrimitives.WriteUInt32LittleEndian(destination, ~_crc);

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : ReflectedPolynomial ^ (crc >> 1);
            table[i] = crc;
        }
        return table;
    }
}
