using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Files;

/// <summary>Files that are no text, known by their first bytes: read as text they would give rows of rubbish.</summary>
internal static class FileSignatures
{
    /// <summary>Refuses what cannot be text of any format.</summary>
    /// <param name="head">The first bytes, uncompressed.</param>
    /// <param name="name">The file.</param>
    /// <param name="format">The format that it is to be read in.</param>
    /// <exception cref="DataFormatException">The bytes are those of another kind of file.</exception>
    public static void RefuseBinary(ReadOnlySpan<byte> head, string name, string format)
    {
        // words that texts may begin with as well are signatures only in front of something that texts do not have
        var isBinary = head[..Math.Min(head.Length, 32)].IndexOfAnyInRange((byte)0, (byte)8) >= 0;
        var (kind, advice) = head switch
        {
            _ when isBinary && head.StartsWith("PAR1"u8) => ("a Parquet file", "Set 'format: parquet' (--from parquet)."),
            _ when isBinary && head.StartsWith("ARROW1"u8) => ("an Arrow file", "Set 'format: arrow' (--from arrow)."),
            _ when head.StartsWith("Obj\u0001"u8) => ("an Avro file", "Set 'format: avro' (--from avro)."),
            _ when isBinary && head.StartsWith("ORC"u8) => ("an ORC file", "Set 'format: orc' (--from orc)."),
            _ when head.StartsWith("PK\u0003\u0004"u8) => ("a zip archive, as Excel's .xlsx files are", "Unpack it, or save the sheet as CSV."),
            _ when head.StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0]) => ("an old Office document, such as .xls", "Save the sheet as CSV."),
            _ when head.StartsWith("SQLite format 3\0"u8) => ("a SQLite database", "Export its tables as CSV."),
            _ when head.StartsWith("%PDF-"u8) => ("a PDF document", "Export its tables as CSV."),
            _ when head.Length > 9 && head.StartsWith("BZh"u8) && head[4..].StartsWith("1AY&SY"u8) => (
                "compressed with bzip2", "Compress it with gzip or zstd."),
            _ when isBinary && head.StartsWith((ReadOnlySpan<byte>)[0xFD, .. "7zXZ"u8]) => ("compressed with xz", "Compress it with gzip or zstd."),
            _ => ("", ""),
        };
        if (kind.Length > 0)
            throw new DataFormatException($"the file is {kind}, by its first bytes, and not {format}. {advice}", new SourceLocation(name));
    }
}
