using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>A split block Bloom filter (BloomFilter.md): tells of most values that a row group does not have them.</summary>
internal sealed class BloomFilter
{
    /// <summary>Most bytes of a filter.</summary>
    public const int MaxBytes = 1 << 20;

    private const int WordsPerBlock = 8;
    private const int BlockBytes = WordsPerBlock * sizeof(uint);

    // One value in a hundred that are not there is taken for one that is; the bits of a block that each value sets are not independent, hence the exponent.
    private const double FalsePositives = 0.01;
    private static readonly uint[] Salts = [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31];
    private readonly uint[] _words;

    /// <summary>Makes an empty filter.</summary>
    /// <param name="distinct">Number of distinct values expected.</param>
    public BloomFilter(long distinct)
    {
        var bits = -8.0 * distinct / Math.Log(1 - Math.Pow(FalsePositives, 1.0 / 8));
        var bytes = Math.Clamp(BitOperations.RoundUpToPowerOf2((ulong)(bits / 8)), BlockBytes, MaxBytes);
        _words = new uint[bytes / sizeof(uint)];
    }

    private BloomFilter(uint[] words) => _words = words;

    /// <summary>Takes a stored filter.</summary>
    /// <param name="bytes">The bits, in whole blocks.</param>
    public static BloomFilter Of(ReadOnlySpan<byte> bytes) => new(MemoryMarshal.Cast<byte, uint>(bytes).ToArray());

    /// <summary>The bits as they are stored.</summary>
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes<uint>(_words);

    /// <summary>Adds a value.</summary>
    /// <param name="plain">The value in plain encoding, without length.</param>
    public void Add(ReadOnlySpan<byte> plain)
    {
        var hash = XxHash64.Hash(plain);
        var block = BlockOf(hash);
        for (var i = 0; i < WordsPerBlock; i++)
            block[i] |= 1u << (int)(unchecked((uint)hash * Salts[i]) >> 27);
    }

    /// <summary>Whether a value may have been added.</summary>
    /// <param name="plain">The value in plain encoding, without length.</param>
    public bool MayContain(ReadOnlySpan<byte> plain)
    {
        var hash = XxHash64.Hash(plain);
        var block = BlockOf(hash);
        for (var i = 0; i < WordsPerBlock; i++)
            if ((block[i] >> (int)(unchecked((uint)hash * Salts[i]) >> 27) & 1) == 0)
                return false;
        return true;
    }

    private Span<uint> BlockOf(ulong hash)
    {
        var block = (int)((hash >> 32) * (ulong)(_words.Length / WordsPerBlock) >> 32);
        return _words.AsSpan(block * WordsPerBlock, WordsPerBlock);
    }
}
