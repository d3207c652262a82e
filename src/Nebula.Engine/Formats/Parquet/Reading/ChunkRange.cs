using System.Buffers;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Where the pages of a column chunk are in the file.</summary>
/// <param name="Start">First byte: of the dictionary page, else of the first data page.</param>
/// <param name="Length">Bytes of all pages.</param>
internal readonly record struct ChunkRange(long Start, long Length)
{
    private const int DictionaryHeaderLength = 100;
    private static readonly SearchValues<char> VersionCharacters = SearchValues.Create("0123456789.");

    /// <summary>Behind the last byte.</summary>
    public long End => Start + Length;

    /// <summary>Finds and checks the range of a chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="leaf">What the schema says of it.</param>
    /// <param name="metadata">The footer.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="ParquetFault">The chunk is not in this file, is encrypted, or is not what the schema says.</exception>
    public static ChunkRange Of(ColumnChunk chunk, SchemaLeaf leaf, FileMetadata metadata, long fileLength)
    {
        if (chunk.IsEncrypted || chunk.Metadata is not { } stored)
            throw new ParquetFault("the column is encrypted, which is not supported", -1, "Leave out the column, or write the file without encryption.");
        if (!string.IsNullOrEmpty(chunk.FilePath))
            throw new ParquetFault($"its values are in another file, '{chunk.FilePath}', which is not supported", -1, "Read the files that hold the values.");
        if (stored.Type != leaf.Element.Type)
            throw new ParquetFault($"its values have the type {stored.Type} where the schema says {leaf.Element.Type}");
        var start = stored.DataPageOffset;
        // 0 is what some writers say when there is no dictionary
        if (stored.DictionaryPageOffset is > 0 and var dictionary && dictionary < start)
            start = dictionary;
        if (start < 0 || stored.TotalCompressedSize < 0 || start > fileLength || stored.TotalCompressedSize > fileLength - start)
            throw new ParquetFault($"its pages are at bytes {start} to {(Int128)start + stored.TotalCompressedSize} of a file that has {fileLength}");
        return new ChunkRange(start, Math.Min(stored.TotalCompressedSize + (LeavesOutDictionaryHeader(metadata.CreatedBy) ? DictionaryHeaderLength : 0),
            fileLength - start));
    }

    // parquet-mr before 1.2.9 did not count the header of the dictionary page (PARQUET-816)
    private static bool LeavesOutDictionaryHeader(string? createdBy)
    {
        const string Program = "parquet-mr version ";
        if (createdBy is null || !createdBy.StartsWith(Program, StringComparison.Ordinal))
            return false;
        var version = createdBy.AsSpan(Program.Length);
        var end = version.IndexOfAnyExcept(VersionCharacters);
        return Version.TryParse(end < 0 ? version : version[..end], out var parsed) && parsed < new Version(1, 2, 9);
    }
}
