namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Writes <c>PageHeader</c>.</summary>
internal static class PageHeaderWriter
{
    /// <summary>Writes a header of a data page of version 1 or of a dictionary page.</summary>
    /// <param name="header">The header.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(in PageHeader header, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.I32(1, (int)header.Type);
        writer.I32(2, header.UncompressedSize);
        writer.I32(3, header.CompressedSize);
        writer.I32(4, (int?)header.Crc);
        if (header.Type == PageType.Dictionary)
        {
            writer.BeginStruct(7);
            writer.I32(1, header.ValueCount);
            writer.I32(2, (int)header.Encoding);
            writer.Bool(3, header.IsSorted);
        }
        else
        {
            writer.BeginStruct(5);
            writer.I32(1, header.ValueCount);
            writer.I32(2, (int)header.Encoding);
            writer.I32(3, (int)header.DefinitionLevelEncoding);
            writer.I32(4, (int)header.RepetitionLevelEncoding);
        }
        writer.EndStruct();
        writer.EndStruct();
    }
}
