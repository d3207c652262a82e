namespace Nebula.Engine.Schemas;

/// <summary>The type that holds the values of two types without loss.</summary>
internal static class CommonType
{
    // digits that an integer of so many bytes may have
    private static readonly Dictionary<TypeKind, int> Digits = new()
    {
        [TypeKind.Int8] = 3,
        [TypeKind.UInt8] = 3,
        [TypeKind.Int16] = 5,
        [TypeKind.UInt16] = 5,
        [TypeKind.Int32] = 10,
        [TypeKind.UInt32] = 10,
        [TypeKind.Int64] = 19,
        [TypeKind.UInt64] = 20,
    };

    /// <summary>Finds the type.</summary>
    /// <returns>The type; null when there is none but text.</returns>
    public static DataType? Of(DataType a, DataType b)
    {
        if (a.Equals(b))
            return a;
        if (a.IsInteger && b.IsInteger)
            return OfIntegers(a, b);
        if (IsExactNumber(a) && IsExactNumber(b))
            return OfDecimals(AsDecimal(a), AsDecimal(b));
        if (IsFloat(a) && IsFloat(b))
            return DataType.Float64;
        if ((IsFloat(a) && FitsFloat64(b)) || (IsFloat(b) && FitsFloat64(a)))
            return DataType.Float64;
        if (a.Kind != b.Kind)
            return (a.Kind, b.Kind) is (TypeKind.String, TypeKind.Json) or (TypeKind.Json, TypeKind.String) ? DataType.String : null;
        return a.Kind switch
        {
            TypeKind.Time => DataType.TimeNanoseconds,
            // with and without zone mean different things, and nanoseconds reach less far than microseconds
            TypeKind.Timestamp => (a.Zone is null) == (b.Zone is null) && a.Unit == b.Unit ? DataType.Timestamp(a.Unit, a.Zone is null ? null : "UTC") : null,
            TypeKind.List => Of(a.Fields[0].Type, b.Fields[0].Type) is { } element ? DataType.List(element) : null,
            TypeKind.Map => Of(a.Fields[0].Type, b.Fields[0].Type) is { } key && Of(a.Fields[1].Type, b.Fields[1].Type) is { } value
                ? DataType.Map(key, value) : null,
            TypeKind.Struct => OfStructs(a, b),
            _ => null,
        };
    }

    private static DataType? OfStructs(DataType a, DataType b)
    {
        var fields = a.Fields.ToList();
        foreach (var field in b.Fields)
        {
            var position = fields.FindIndex(known => known.Name == field.Name);
            if (position < 0)
            {
                fields.Add(new Field(field.Name, field.Type));
                continue;
            }
            if (Of(fields[position].Type, field.Type) is not { } type)
                return null;
            fields[position] = new Field(field.Name, type, fields[position].Nullable || field.Nullable);
        }
        for (var i = 0; i < fields.Count; i++)
            if (!b.Fields.Any(field => field.Name == fields[i].Name))
                fields[i] = new Field(fields[i].Name, fields[i].Type);
        return DataType.Struct([.. fields]);
    }

    private static DataType OfIntegers(DataType a, DataType b)
    {
        var (isSignedA, isSignedB) = (IsSigned(a), IsSigned(b));
        if (isSignedA == isSignedB)
            return a.ByteWidth >= b.ByteWidth ? a : b;
        var (signed, unsigned) = isSignedA ? (a, b) : (b, a);
        if (signed.ByteWidth > unsigned.ByteWidth)
            return signed;
        return unsigned.ByteWidth switch
        {
            1 => DataType.Int16,
            2 => DataType.Int32,
            4 => DataType.Int64,
            _ => DataType.Decimal(20, 0),
        };
    }

    private static DataType? OfDecimals(DataType a, DataType b)
    {
        var scale = Math.Max(a.Scale, b.Scale);
        var precision = Math.Max(a.Precision - a.Scale, b.Precision - b.Scale) + scale;
        return precision <= DataType.MaxDecimalPrecision ? DataType.Decimal(precision, scale) : null;
    }

    private static DataType AsDecimal(DataType type) => type.Kind == TypeKind.Decimal ? type : DataType.Decimal(Digits[type.Kind], 0);

    private static bool IsExactNumber(DataType type) => type.IsInteger || type.Kind == TypeKind.Decimal;

    private static bool IsFloat(DataType type) => type.Kind is TypeKind.Float32 or TypeKind.Float64;

    private static bool FitsFloat64(DataType type) => type.IsInteger && type.ByteWidth <= 4;

    private static bool IsSigned(DataType type) => type.Kind is >= TypeKind.Int8 and <= TypeKind.Int64;
}
