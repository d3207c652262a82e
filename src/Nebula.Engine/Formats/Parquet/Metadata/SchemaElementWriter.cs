namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Writes <c>SchemaElement</c> and <c>LogicalType</c>.</summary>
internal static class SchemaElementWriter
{
    /// <summary>Writes one node of the schema as an element of a list.</summary>
    /// <param name="element">The node.</param>
    /// <param name="writer">Takes the bytes.</param>
    public static void Write(SchemaElement element, ThriftCompactWriter writer)
    {
        writer.BeginStruct();
        writer.I32(1, (int?)element.Type);
        writer.I32(2, element.TypeLength);
        writer.I32(3, (int?)element.Repetition);
        writer.String(4, element.Name);
        writer.I32(5, element.ChildCount);
        writer.I32(6, (int?)element.ConvertedType);
        writer.I32(7, element.Scale);
        writer.I32(8, element.Precision);
        writer.I32(9, element.FieldId);
        if (element.LogicalType is { } logical)
        {
            writer.BeginStruct(10);
            WriteLogicalType(logical, writer);
            writer.EndStruct();
        }
        writer.EndStruct();
    }

    private static void WriteLogicalType(LogicalType logical, ThriftCompactWriter writer)
    {
        writer.BeginStruct((short)logical.Kind);
        switch (logical.Kind)
        {
            case LogicalTypeKind.Decimal:
                writer.I32(1, logical.Scale);
                writer.I32(2, logical.Precision);
                break;
            case LogicalTypeKind.Time or LogicalTypeKind.Timestamp:
                writer.Bool(1, logical.IsAdjustedToUtc);
                writer.BeginStruct(2);
                writer.EmptyStruct((short)logical.Unit);
                writer.EndStruct();
                break;
            case LogicalTypeKind.Integer:
                writer.I8(1, (sbyte)logical.BitWidth);
                writer.Bool(2, logical.IsSigned);
                break;
        }
        writer.EndStruct();
    }
}
