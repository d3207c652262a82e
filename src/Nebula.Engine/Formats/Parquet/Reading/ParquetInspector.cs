using Nebula.Engine.Connectors;
using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Tells what is in a file.</summary>
/// <param name="bytes">The file.</param>
/// <param name="metadata">Its footer.</param>
/// <param name="leaves">All leaves.</param>
internal sealed class ParquetInspector(IRandomAccess bytes, FileMetadata metadata, ImmutableArray<SchemaLeaf> leaves)
{
    /// <summary>Tells it.</summary>
    public FileInspection Inspect() => new(
    [
        new("format", "parquet"), new("version", Text(metadata.Version)), new("created_by", metadata.CreatedBy ?? ""), new("bytes", Text(bytes.Length)),
        new("rows", Text(metadata.RowGroups.Sum(static group => group.RowCount))), new("row_groups", Text(metadata.RowGroups.Length)), new("leaves", Text(leaves.Length)),
    ], []);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
