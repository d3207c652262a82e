using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Where the data pages of a chunk are (<c>OffsetIndex</c>, described in PageIndex.md).</summary>
internal sealed record OffsetIndex
{
    /// <summary>The pages in order.</summary>
    public required ImmutableArray<PageLocation> Pages { get; init; }

    /// <summary>Bytes of the values of each page without lengths, for <see cref="PhysicalType.ByteArray"/>; empty when it is not said.</summary>
    public ImmutableArray<long> UnencodedByteArrayBytes { get; init; } = [];
}

/// <summary>Where a data page is (<c>PageLocation</c>).</summary>
/// <param name="Offset">Where its header begins in the file.</param>
/// <param name="CompressedSize">Bytes of header and page.</param>
/// <param name="FirstRow">Position of its first row in the row group.</param>
internal readonly record struct PageLocation(long Offset, int CompressedSize, long FirstRow);

/// <summary>Bounds and counts of the data pages of a chunk (<c>ColumnIndex</c>). All lists have one entry per page.</summary>
internal sealed record ColumnIndex
{
    /// <summary>Whether a page holds nulls alone.</summary>
    public required ImmutableArray<bool> NullPages { get; init; }

    /// <summary>Lower bounds; empty for pages of nulls.</summary>
    public required ImmutableArray<ReadOnlyMemory<byte>> MinValues { get; init; }

    /// <summary>Upper bounds; empty for pages of nulls.</summary>
    public required ImmutableArray<ReadOnlyMemory<byte>> MaxValues { get; init; }

    /// <summary>Whether bounds are sorted.</summary>
    public required BoundaryOrder BoundaryOrder { get; init; }

    /// <summary>Nulls of each page; empty when it is not said.</summary>
    public ImmutableArray<long> NullCounts { get; init; } = [];

    /// <summary>NaN of each page; empty when it is not said.</summary>
    public ImmutableArray<long> NanCounts { get; init; } = [];
}
