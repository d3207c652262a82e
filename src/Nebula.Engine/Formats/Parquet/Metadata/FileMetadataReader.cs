using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>Reads the footer (parquet.thrift). What is not known is passed over; what is required must be there.</summary>
internal static class FileMetadataReader
{
    /// <summary>Reads <c>FileMetaData</c>.</summary>
    /// <param name="footer">Its bytes; statistics of the result are slices of them.</param>
    /// <exception cref="ParquetFault">The bytes are not a footer.</exception>
    public static FileMetadata Read(ReadOnlyMemory<byte> footer)
    {
        var reader = new ThriftCompactReader(footer);
        int? version = null;
        long? rows = null;
        ImmutableArray<SchemaElement> schema = default;
        ImmutableArray<RowGroup> groups = default;
        var metadata = (KeyValues: ImmutableArray<KeyValue>.Empty, CreatedBy: (string?)null, Orders: ImmutableArray<ColumnOrder>.Empty, Encrypted: false);
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.I32):
                    version = reader.ReadI32();
                    break;
                case (2, ThriftType.List):
                    schema = ReadSchema(ref reader);
                    break;
                case (3, ThriftType.I64):
                    rows = reader.ReadI64();
                    break;
                case (4, ThriftType.List):
                    groups = ReadRowGroups(ref reader);
                    break;
                case (5, ThriftType.List):
                    metadata.KeyValues = ReadKeyValues(ref reader);
                    break;
                case (6, ThriftType.Binary):
                    metadata.CreatedBy = reader.ReadString();
                    break;
                case (7, ThriftType.List):
                    metadata.Orders = ReadColumnOrders(ref reader);
                    break;
                case (8, ThriftType.Struct):
                    metadata.Encrypted = true;
                    reader.Skip(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        if (schema.IsDefaultOrEmpty)
            throw Missing(reader, "file", "schema");
        return new FileMetadata
        {
            Version = version ?? throw Missing(reader, "file", "version"),
            Schema = schema,
            RowCount = rows ?? throw Missing(reader, "file", "num_rows"),
            RowGroups = groups.IsDefault ? throw Missing(reader, "file", "row_groups") : groups,
            KeyValues = metadata.KeyValues,
            CreatedBy = metadata.CreatedBy,
            ColumnOrders = metadata.Orders,
            HasEncryption = metadata.Encrypted,
        };
    }

    /// <summary>Reads <c>Statistics</c>.</summary>
    /// <param name="reader">Stands before the struct.</param>
    public static ColumnStatistics ReadStatistics(ref ThriftCompactReader reader)
    {
        ReadOnlyMemory<byte>? max = null, min = null, maxValue = null, minValue = null;
        long? nulls = null, distinct = null, nans = null;
        bool? maxExact = null, minExact = null;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.Binary):
                    max = reader.ReadMemory();
                    break;
                case (2, ThriftType.Binary):
                    min = reader.ReadMemory();
                    break;
                case (3, ThriftType.I64):
                    nulls = reader.ReadI64();
                    break;
                case (4, ThriftType.I64):
                    distinct = reader.ReadI64();
                    break;
                case (5, ThriftType.Binary):
                    maxValue = reader.ReadMemory();
                    break;
                case (6, ThriftType.Binary):
                    minValue = reader.ReadMemory();
                    break;
                case (7, ThriftType.True or ThriftType.False):
                    maxExact = type == ThriftType.True;
                    break;
                case (8, ThriftType.True or ThriftType.False):
                    minExact = type == ThriftType.True;
                    break;
                case (9, ThriftType.I64):
                    nans = reader.ReadI64();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return new ColumnStatistics
        {
            Max = max,
            Min = min,
            NullCount = nulls,
            DistinctCount = distinct,
            MaxValue = maxValue,
            MinValue = minValue,
            IsMaxExact = maxExact,
            IsMinExact = minExact,
            NanCount = nans,
        };
    }

    /// <summary>Reads a list of 64-bit integers.</summary>
    /// <param name="reader">Stands before the list.</param>
    public static ImmutableArray<long> ReadLongs(ref ThriftCompactReader reader)
    {
        var values = new long[reader.ReadListHead(ThriftType.I64)];
        for (var i = 0; i < values.Length; i++)
            values[i] = reader.ReadI64();
        return ImmutableCollectionsMarshal.AsImmutableArray(values);
    }

    /// <summary>The error of a struct without a field that it must have.</summary>
    public static ParquetFault Missing(scoped in ThriftCompactReader reader, string structure, string field) =>
        reader.Fault($"the metadata of a {structure} has no {field}");

    private static ImmutableArray<SchemaElement> ReadSchema(ref ThriftCompactReader reader)
    {
        var count = reader.ReadListHead(ThriftType.Struct);
        var elements = ImmutableArray.CreateBuilder<SchemaElement>();
        for (var i = 0; i < count; i++)
            elements.Add(SchemaElementReader.Read(ref reader));
        return elements.DrainToImmutable();
    }

    private static ImmutableArray<RowGroup> ReadRowGroups(ref ThriftCompactReader reader)
    {
        var count = reader.ReadListHead(ThriftType.Struct);
        var groups = ImmutableArray.CreateBuilder<RowGroup>();
        for (var i = 0; i < count; i++)
            groups.Add(ReadRowGroup(ref reader, groups.Count == 0 ? null : groups[^1]));
        return groups.DrainToImmutable();
    }

    private static RowGroup ReadRowGroup(ref ThriftCompactReader reader, RowGroup? before)
    {
        ImmutableArray<ColumnChunk> columns = default;
        var sorting = ImmutableArray<SortingColumn>.Empty;
        long? bytes = null, rows = null, offset = null, compressed = null;
        short? ordinal = null;
        reader.Enter();
        short id = 0;
        while (reader.NextField(ref id, out var type))
            switch (id, type)
            {
                case (1, ThriftType.List):
                    columns = ColumnChunkReader.ReadAll(ref reader, before);
                    break;
                case (2, ThriftType.I64):
                    bytes = reader.ReadI64();
                    break;
                case (3, ThriftType.I64):
                    rows = reader.ReadI64();
                    break;
                case (4, ThriftType.List):
                    sorting = ReadSortingColumns(ref reader);
                    break;
                case (5, ThriftType.I64):
                    offset = reader.ReadI64();
                    break;
                case (6, ThriftType.I64):
                    compressed = reader.ReadI64();
                    break;
                case (7, ThriftType.I16):
                    ordinal = reader.ReadI16();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        reader.Leave();
        return new RowGroup
        {
            Columns = columns.IsDefault ? throw Missing(reader, "row group", "columns") : columns,
            TotalByteSize = bytes ?? throw Missing(reader, "row group", "total_byte_size"),
            RowCount = rows ?? throw Missing(reader, "row group", "num_rows"),
            SortingColumns = sorting,
            FileOffset = offset,
            TotalCompressedSize = compressed,
            Ordinal = ordinal,
        };
    }

    private static ImmutableArray<SortingColumn> ReadSortingColumns(ref ThriftCompactReader reader)
    {
        var columns = ImmutableArray.CreateBuilder<SortingColumn>();
        for (var count = reader.ReadListHead(ThriftType.Struct); count > 0; count--)
        {
            int? column = null;
            var (descending, nullsFirst) = (false, false);
            reader.Enter();
            short id = 0;
            while (reader.NextField(ref id, out var type))
                switch (id, type)
                {
                    case (1, ThriftType.I32):
                        column = reader.ReadI32();
                        break;
                    case (2, ThriftType.True or ThriftType.False):
                        descending = type == ThriftType.True;
                        break;
                    case (3, ThriftType.True or ThriftType.False):
                        nullsFirst = type == ThriftType.True;
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            reader.Leave();
            columns.Add(new SortingColumn(column ?? throw Missing(reader, "sorting column", "column_idx"), descending, nullsFirst));
        }
        return columns.DrainToImmutable();
    }

    private static ImmutableArray<KeyValue> ReadKeyValues(ref ThriftCompactReader reader)
    {
        var pairs = ImmutableArray.CreateBuilder<KeyValue>();
        for (var count = reader.ReadListHead(ThriftType.Struct); count > 0; count--)
        {
            string? key = null, value = null;
            reader.Enter();
            short id = 0;
            while (reader.NextField(ref id, out var type))
                switch (id, type)
                {
                    case (1, ThriftType.Binary):
                        key = reader.ReadString();
                        break;
                    case (2, ThriftType.Binary):
                        value = reader.ReadString();
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            reader.Leave();
            pairs.Add(new KeyValue(key ?? throw Missing(reader, "key-value pair", "key"), value));
        }
        return pairs.DrainToImmutable();
    }

    private static ImmutableArray<ColumnOrder> ReadColumnOrders(ref ThriftCompactReader reader)
    {
        var orders = new ColumnOrder[reader.ReadListHead(ThriftType.Struct)];
        for (var i = 0; i < orders.Length; i++)
        {
            reader.Enter();
            short id = 0;
            while (reader.NextField(ref id, out var type))
            {
                orders[i] = id is 1 or 2 or 3 ? (ColumnOrder)id : ColumnOrder.Undefined;
                reader.Skip(type);
            }
            reader.Leave();
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(orders);
    }
}
