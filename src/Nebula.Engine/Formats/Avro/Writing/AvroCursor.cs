using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>How the values of a column are written.</summary>
internal enum AvroWriteKind
{
    Int64,
    Bytes,
    Float64,
    Int32,
    Bool,
    DictionaryBytes,
    Struct,
    Int8,
    Int16,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Decimal64,
    Decimal128,
    Uuid,
    List,
    Map,
}

/// <summary>A column of a batch as the row loop sees it.</summary>
internal unsafe struct AvroCursor
{
    public AvroWriteKind Kind;

    /// <summary>Whether the field is a union of null and its type.</summary>
    public bool IsNullable;

    /// <summary>Null when no value is null.</summary>
    public byte* Validity;
    public byte* Values;
    public int* Offsets;
    public int* Indices;
    public AvroCursor* Children;
    public int ChildCount;

    /// <summary>Most bytes of a value without those of strings and items.</summary>
    public int MaxWidth;

    // branch and number
    private const int NumberWidth = 1 + 10;

    /// <summary>Number of cursors that a column needs, its own included.</summary>
    public static int Count(DataType type) => 1 + type.Fields.Sum(static field => Count(field.Type));

    /// <summary>Fills a cursor, and takes those of its children from the free ones.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="field">Name, type and whether it may be null.</param>
    /// <param name="column">The column.</param>
    /// <param name="free">The first cursor that is not in use.</param>
    public static void Bind(AvroCursor* cursor, Field field, Column column, ref AvroCursor* free)
    {
        var type = field.Type;
        *cursor = new AvroCursor
        {
            Kind = KindOf(column),
            IsNullable = field.Nullable,
            Validity = column.NullCount == 0 ? null : Address(column.Validity),
            MaxWidth = type.Kind switch { TypeKind.Decimal or TypeKind.Uuid or TypeKind.UInt64 => 2 + 17, _ => NumberWidth },
        };
        if (column.Dictionary is { } dictionary)
        {
            cursor->Indices = (int*)Address(MemoryMarshal.AsBytes(column.Indices));
            cursor->Offsets = (int*)Address(MemoryMarshal.AsBytes(dictionary.Offsets));
            cursor->Values = Address(dictionary.Bytes);
        }
        else
        {
            cursor->Offsets = (int*)Address(MemoryMarshal.AsBytes(column.Offsets));
            cursor->Values = Address(type.IsVariableBinary
                ? column.Bytes : type.Kind == TypeKind.Bool ? column.Bits : type.IsNested ? default : ColumnLayouts.FixedBytes(column));
        }
        cursor->Children = free;
        cursor->ChildCount = column.Children.Length;
        free += column.Children.Length;
        for (var i = 0; i < column.Children.Length; i++)
        {
            Bind(cursor->Children + i, type.Fields[i], column.Children[i], ref free);
            if (cursor->Kind == AvroWriteKind.Struct)
                cursor->MaxWidth += cursor->Children[i].MaxWidth;
        }
        if (type.Kind == TypeKind.Map)
        {
            cursor->Children->IsNullable = false; // keys are never null
            cursor->Children->Validity = null;
        }
    }

    private static AvroWriteKind KindOf(Column column) => column.Type.Kind switch
    {
        TypeKind.Bool => AvroWriteKind.Bool,
        TypeKind.Int8 => AvroWriteKind.Int8,
        TypeKind.Int16 => AvroWriteKind.Int16,
        TypeKind.Int32 or TypeKind.Date => AvroWriteKind.Int32,
        TypeKind.Int64 or TypeKind.Time or TypeKind.Timestamp => AvroWriteKind.Int64,
        TypeKind.UInt8 => AvroWriteKind.UInt8,
        TypeKind.UInt16 => AvroWriteKind.UInt16,
        TypeKind.UInt32 => AvroWriteKind.UInt32,
        TypeKind.UInt64 => AvroWriteKind.UInt64,
        TypeKind.Float32 => AvroWriteKind.Float32,
        TypeKind.Float64 => AvroWriteKind.Float64,
        TypeKind.Decimal => column.Type.ByteWidth == 8 ? AvroWriteKind.Decimal64 : AvroWriteKind.Decimal128,
        TypeKind.Uuid => AvroWriteKind.Uuid,
        TypeKind.List => AvroWriteKind.List,
        TypeKind.Map => AvroWriteKind.Map,
        TypeKind.Struct => AvroWriteKind.Struct,
        _ => column.Dictionary is null ? AvroWriteKind.Bytes : AvroWriteKind.DictionaryBytes,
    };

    private static byte* Address(ReadOnlySpan<byte> span) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
