namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>What stands in front of the bits of a Bloom filter (<c>BloomFilterHeader</c>). There is one algorithm (split blocks), one hash (XXH64) and no
/// compression.</summary>
/// <param name="ByteCount">Bytes of the bits.</param>
/// <param name="IsKnown">Whether algorithm, hash and compression are those.</param>
internal readonly record struct BloomFilterHeader(int ByteCount, bool IsKnown = true);
