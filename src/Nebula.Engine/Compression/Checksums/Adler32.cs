namespace Nebula.Engine.Compression.Checksums;

/// <summary>Adler-32 of zlib (RFC 1950, section 8.2).</summary>
internal static class Adler32
{
    /// <summary>The checksum of no bytes.</summary>
    public const uint Initial = 1;

    private const uint Modulus = 65521;

    // The most bytes after which the sums, started below the modulus, still fit 32 bits (RFC 1950, section 9).
    private const int Unreduced = 5552;

    /// <summary>Continues a checksum over more bytes; start with <see cref="Initial"/>.</summary>
    public static uint Update(uint adler, ReadOnlySpan<byte> data)
    {
        var (a, b) = (adler & 0xFFFF, adler >> 16);
        while (!data.IsEmpty)
        {
            var part = data[..Math.Min(data.Length, Unreduced)];
            data = data[part.Length..];
            for (; part.Length >= 8; part = part[8..])
            {
                // Eight steps at once: b gains 8a and each byte as often as it would still be part of a.
                b += 8 * a + 8u * part[0] + 7u * part[1] + 6u * part[2] + 5u * part[3] + 4u * part[4] + 3u * part[5] + 2u * part[6] + part[7];
                a += (uint)(part[0] + part[1] + part[2] + part[3] + part[4] + part[5] + part[6] + part[7]);
            }
            foreach (var value in part)
            {
                a += value;
                b += a;
            }
            a %= Modulus;
            b %= Modulus;
        }
        return b << 16 | a;
    }
}
