using System.Buffers.Binary;

namespace System.IO.Hashing;

/// <summary>CRC-64 as in ECMA-182: polynomial 0x42F0E1EBA9EA3693, neither reflected nor inverted. The hash is written with its highest byte first.</summary>
public sealed class Crc64 : NonCryptographicHashAlgorithm
{
    private const ulong Polynomial = 0x42F0E1EBA9EA3693;
    private static readonly ulong[] Table = MakeTable();
    private ulong _crc;

    /// <summary>Makes the hash of no data.</summary>
    public Crc64()
        : base(sizeof(ulong))
    {
    }

    /// <summary>The hash of data.</summary>
    /// <param name="source">The data.</param>
    public static byte[] Hash(ReadOnlySpan<byte> source)
    {
        var crc = new Crc64();
        crc.Append(source);
        return crc.GetCurrentHash();
    }

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> source)
    {
        var crc = _crc;
        foreach (var b in source)
            crc = Table[(byte)(crc >> 56) ^ b] ^ (crc << 8);
        _crc = crc;
    }

    /// <inheritdoc/>
    public override void Reset() => _crc = 0;

    /// <inheritdoc/>
    protected override void GetCurrentHashCore(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, _crc);

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var i = 0; i < table.Length; i++)
        {
            var crc = (ulong)i << 56;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 63) == 0 ? crc << 1 : Polynomial ^ (crc << 1);
            table[i] = crc;
        }
        return table;
    }
}
