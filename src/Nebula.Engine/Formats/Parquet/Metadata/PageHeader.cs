namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>What stands in front of a page (<c>PageHeader</c> and the header of its kind). Parts that the kind does not have are at their defaults.</summary>
internal readonly record struct PageHeader
{
    /// <summary>What the page holds.</summary>
    public required PageType Type { get; init; }

    /// <summary>Bytes of the page once decompressed, levels included, header not.</summary>
    public required int UncompressedSize { get; init; }

    /// <summary>Bytes of the page as stored, header not included.</summary>
    public required int CompressedSize { get; init; }

    /// <summary>CRC-32 of the page as stored, header not included; null when the writer computed none.</summary>
    public uint? Crc { get; init; }

    /// <summary>Number of values: with nulls in a data page, entries in a dictionary.</summary>
    public int ValueCount { get; init; }

    /// <summary>Encoding of the values.</summary>
    public PageEncoding Encoding { get; init; }

    /// <summary>Encoding of definition levels, version 1.</summary>
    public PageEncoding DefinitionLevelEncoding { get; init; }

    /// <summary>Encoding of repetition levels, version 1.</summary>
    public PageEncoding RepetitionLevelEncoding { get; init; }

    /// <summary>Number of values that are null, version 2.</summary>
    public int NullCount { get; init; }

    /// <summary>Number of rows, version 2.</summary>
    public int RowCount { get; init; }

    /// <summary>Bytes of definition levels, version 2.</summary>
    public int DefinitionLevelsLength { get; init; }

    /// <summary>Bytes of repetition levels, version 2.</summary>
    public int RepetitionLevelsLength { get; init; }

    /// <summary>Whether values are compressed, version 2. Version 1 always is, by the chunk's codec.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>Whether the entries of a dictionary ascend.</summary>
    public bool IsSorted { get; init; }
}
