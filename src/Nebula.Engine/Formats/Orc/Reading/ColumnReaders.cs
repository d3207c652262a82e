using System.Collections.Immutable;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Makes the reader that a column needs.</summary>
internal static class ColumnReaders
{
    /// <summary>Makes a reader, and those of the children.</summary>
    /// <param name="block">The streams.</param>
    /// <param name="type">The column in the file.</param>
    /// <param name="dataType">The column here.</param>
    /// <param name="path">Names from the root to the column, for messages.</param>
    public static ColumnReader Create(BlockStreams block, OrcType type, DataType dataType, string path) => type.Kind switch
    {
        OrcTypeKind.Boolean => new BooleanColumnReader(block, type, dataType, path),
        OrcTypeKind.Byte => new TinyIntColumnReader(block, type, dataType, path),
        OrcTypeKind.Short or OrcTypeKind.Int or OrcTypeKind.Long or OrcTypeKind.Date => new IntegerColumnReader(block, type, dataType, path),
        OrcTypeKind.Float or OrcTypeKind.Double => new FloatColumnReader(block, type, dataType, path),
        OrcTypeKind.Timestamp or OrcTypeKind.TimestampInstant => new TimestampColumnReader(block, type, dataType, path),
        OrcTypeKind.Decimal when block.Settings.PostScript.IsUnstableVersion2 && type.Precision is > 0 and <= DataType.MaxDecimal64Precision =>
            new DecimalIntegerColumnReader(block, type, dataType, path),
        OrcTypeKind.Decimal => new DecimalColumnReader(block, type, dataType, path),
        OrcTypeKind.List or OrcTypeKind.Map => new ListColumnReader(block, type, dataType, path),
        OrcTypeKind.Struct => new StructColumnReader(block, type, dataType, path),
        OrcTypeKind.Union => new UnionColumnReader(block, type, dataType, path),
        _ when block.EncodingOf(type.Id).HasDictionary => new DictionaryStringColumnReader(block, type, dataType, path),
        _ => new DirectStringColumnReader(block, type, dataType, path),
    };

    /// <summary>Makes the readers of all children of a type.</summary>
    /// <param name="block">The streams.</param>
    /// <param name="types">The children in the file.</param>
    /// <param name="fields">The children here.</param>
    /// <param name="path">Names from the root to the parent.</param>
    public static ImmutableArray<ColumnReader> OfChildren(BlockStreams block, ImmutableArray<OrcType> types, ImmutableArray<Field> fields, string path) =>
        [.. types.Select((type, i) => Create(block, type, fields[i].Type, $"{path}.{fields[i].Name}"))];
}
