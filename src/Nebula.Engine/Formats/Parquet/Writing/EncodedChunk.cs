using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>What the footer needs of one chunk. Offsets count from the start of the row group.</summary>
/// <param name="Metadata">What goes to the row group.</param>
/// <param name="ColumnIndex">Bounds of its pages; null when they are not all known.</param>
/// <param name="OffsetIndex">Where its pages are.</param>
/// <param name="BloomFilter">Its Bloom filter; null when there is none.</param>
internal sealed record EncodedChunk(ColumnMetadata Metadata, ColumnIndex? ColumnIndex, OffsetIndex OffsetIndex, BloomFilter? BloomFilter);

/// <summary>What the footer needs of one row group.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Chunks">One per leaf.</param>
internal sealed record EncodedRowGroup(int Rows, IReadOnlyList<EncodedChunk> Chunks);
