namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>One node of the schema tree, as the footer lists them depth first (<c>SchemaElement</c>).</summary>
/// <param name="Name">Name of the field.</param>
internal sealed record SchemaElement(string Name)
{
    /// <summary>How values are stored; null for a group.</summary>
    public PhysicalType? Type { get; init; }

    /// <summary>Bytes of a value of <see cref="PhysicalType.FixedLenByteArray"/>; null elsewhere.</summary>
    public int? TypeLength { get; init; }

    /// <summary>How often the field occurs; null for the root.</summary>
    public Repetition? Repetition { get; init; }

    /// <summary>Number of children that follow; null for a leaf.</summary>
    public int? ChildCount { get; init; }

    /// <summary>Meaning as old writers say it; null when none is given.</summary>
    public ConvertedType? ConvertedType { get; init; }

    /// <summary>Scale of a decimal declared by <see cref="ConvertedType"/>.</summary>
    public int? Scale { get; init; }

    /// <summary>Precision of a decimal declared by <see cref="ConvertedType"/>.</summary>
    public int? Precision { get; init; }

    /// <summary>Id of the field in the writer's own schema; null when it has none.</summary>
    public int? FieldId { get; init; }

    /// <summary>Meaning; null when none is given, or one that is not known here.</summary>
    public LogicalType? LogicalType { get; init; }
}
