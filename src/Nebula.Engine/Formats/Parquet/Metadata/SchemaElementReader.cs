namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Reads <c>SchemaElement</c> and <c>LogicalType</c> (parquet.thrift).</summary>
internal static class SchemaElementReader
{
    /// <summary>Reads one element.</summary>
    /// <param name="reader">Stands before the struct.</param>
    /// <exception cref="ParquetFault">The bytes are not a schema element.</exception>
    public static SchemaElement Read(ref ThriftCompactReader reader)
    {
        string? name = null;
        int? physical = null, length = null, repetition = null, children = null, converted = null, scale = null, precision = null, fieldId = null;
        LogicalType? logical = null;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    physical = reader.ReadI32();
                    break;
                case (2, ThriftType.I32):
                    length = reader.ReadI32();
                    break;
                case (3, ThriftType.I32):
                    repetition = reader.ReadI32();
                    break;
                case (4, ThriftType.Binary):
                    name = reader.ReadString();
                    break;
                case (5, ThriftType.I32):
                    children = reader.ReadI32();
                    break;
                case (6, ThriftType.I32):
                    converted = reader.ReadI32();
                    break;
                case (7, ThriftType.I32):
                    scale = reader.ReadI32();
                    break;
                case (8, ThriftType.I32):
                    precision = reader.ReadI32();
                    break;
                case (9, ThriftType.I32):
                    fieldId = reader.ReadI32();
                    break;
                case (10, ThriftType.Struct):
                    logical = ReadLogicalType(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        if (name is null)
            throw FileMetadataReader.Missing(reader, "schema element", "name");
        if (physical is < 0 or > (int)PhysicalType.FixedLenByteArray)
            throw reader.Fault($"the field \"{name}\" has the physical type {physical}, which does not exist");
        if (repetition is < 0 or > (int)Repetition.Repeated)
            throw reader.Fault($"the field \"{name}\" has the repetition {repetition}, which does not exist");
        return new SchemaElement(name)
        {
            Type = (PhysicalType?)physical,
            TypeLength = length,
            Repetition = (Repetition?)repetition,
            ChildCount = children,
            ConvertedType = converted is >= 0 and <= (int)ConvertedType.Interval ? (ConvertedType?)converted : null,
            Scale = scale,
            Precision = precision,
            FieldId = fieldId,
            LogicalType = logical,
        };
    }

    private static LogicalType? ReadLogicalType(ref ThriftCompactReader reader)
    {
        LogicalType? logical = null;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            if (type == ThriftType.Struct && Enum.IsDefined((LogicalTypeKind)id))
                logical = ReadMember(ref reader, (LogicalTypeKind)id);
            else
                reader.Skip(type);
        reader.Leave();
        return logical;
    }

    private static LogicalType ReadMember(ref ThriftCompactReader reader, LogicalTypeKind kind)
    {
        var logical = new LogicalType(kind);
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (kind, id, type)
            {
                case (LogicalTypeKind.Decimal, 1, ThriftType.I32):
                    logical = logical with { Scale = reader.ReadI32() };
                    break;
                case (LogicalTypeKind.Decimal, 2, ThriftType.I32):
                    logical = logical with { Precision = reader.ReadI32() };
                    break;
                case (LogicalTypeKind.Time or LogicalTypeKind.Timestamp, 1, ThriftType.True or ThriftType.False):
                    logical = logical with { IsAdjustedToUtc = type == ThriftType.True };
                    break;
                case (LogicalTypeKind.Time or LogicalTypeKind.Timestamp, 2, ThriftType.Struct):
                    logical = logical with { Unit = ReadUnit(ref reader) };
                    break;
                case (LogicalTypeKind.Integer, 1, ThriftType.Byte):
                    logical = logical with { BitWidth = reader.ReadI8() };
                    break;
                case (LogicalTypeKind.Integer, 2, ThriftType.True or ThriftType.False):
                    logical = logical with { IsSigned = type == ThriftType.True };
                    break;
                case (LogicalTypeKind.Geometry or LogicalTypeKind.Geography, 1, ThriftType.Binary):
                    logical = logical with { Crs = reader.ReadString() };
                    break;
                case (LogicalTypeKind.Geography, 2, ThriftType.I32):
                    logical = logical with { EdgeAlgorithm = reader.ReadI32() };
                    break;
                case (LogicalTypeKind.Variant, 1, ThriftType.Byte):
                    logical = logical with { VariantVersion = reader.ReadI8() };
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return logical;
    }

    private static LogicalTimeUnit ReadUnit(ref ThriftCompactReader reader)
    {
        var unit = LogicalTimeUnit.None;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
        {
            unit = id is >= 1 and <= 3 ? (LogicalTimeUnit)id : LogicalTimeUnit.None;
            reader.Skip(type);
        }
        reader.Leave();
        return unit;
    }
}
