using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Where the pages of a column chunk are in the file.</summary>
/// <param name="Start">First byte: of the dictionary page, else of the first data page.</param>
/// <param name="Length">Bytes of all pages.</param>
internal readonly record struct ChunkRange(long Start, long Length)
{
    /// <summary>Behind the last byte.</summary>
    public long End => Start + Length;

    /// <summary>Finds and checks the range of a chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="leaf">What the schema says of it.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="ParquetFault">The chunk is not in this file, is encrypted, or is not what the schema says.</exception>
    public static ChunkRange Of(ColumnChunk chunk, SchemaLeaf leaf, long fileLength)
    {
        if (chunk.IsEncrypted || chunk.Metadata is not { } metadata)
            throw new ParquetFault("the column is encrypted, which is not supported", -1, "Leave out the column, or write the file without encryption.");
        if (!string.IsNullOrEmpty(chunk.FilePath))
            throw new ParquetFault($"its values are in another file, '{chunk.FilePath}', which is not supported", -1, "Read the files that hold the values.");
        if (metadata.Type != leaf.Element.Type)
            throw new ParquetFault($"its values have the type {metadata.Type} where the schema says {leaf.Element.Type}");
        var start = metadata.DataPageOffset;
        // 0 is what some writers say when there is no dictionary
        if (metadata.DictionaryPageOffset is > 0 and var dictionary && dictionary < start)
            start = dictionary;
        if (start < 0 || metadata.TotalCompressedSize < 0 || start > fileLength || metadata.TotalCompressedSize > fileLength - start)
            throw new ParquetFault($"its pages are at bytes {start} to {(Int128)start + metadata.TotalCompressedSize} of a file that has {fileLength}");
        return new ChunkRange(start, metadata.TotalCompressedSize);
    }
}
