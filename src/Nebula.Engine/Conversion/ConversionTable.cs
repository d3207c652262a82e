using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Which type can be converted to which, and what gets lost. The only place that says so; <see cref="ColumnConverter"/> does it.</summary>
internal static class ConversionTable
{
    // significant bits of floats: integers of as many are kept
    private const int SingleBits = 24;
    private const int DoubleBits = 53;

    // decimal digits that always come back from a float
    private const int SingleDigits = 6;
    private const int DoubleDigits = 15;

    private const string OutOfRange = "values out of range are refused";
    private const string Rounds = "digits that do not fit are rounded";

    /// <summary>Looks a pair of types up.</summary>
    /// <param name="from">The type that values have.</param>
    /// <param name="to">The type that they get.</param>
    public static TypeConversion Of(DataType from, DataType to) => from.Equals(to) ? TypeConversion.None : (from.Kind, to.Kind) switch
    {
        _ when from.IsInteger && to.IsInteger => OfIntegers(from, to),
        _ when from.IsInteger && IsFloat(to) => OfIntegerToFloat(from, to),
        _ when IsFloat(from) && to.IsInteger => new(Fidelity.Lossy, "fractions are rounded; " + OutOfRange),
        _ when from.IsInteger && to.Kind == TypeKind.Decimal =>
            to.Precision - to.Scale >= IntegerDigits(from) ? new(Fidelity.Widened) : new(Fidelity.Lossy, OutOfRange),
        (TypeKind.Decimal, _) when to.IsInteger => from.Scale == 0 && from.Precision < IntegerDigits(to)
            ? new(Fidelity.Widened) : new(Fidelity.Lossy, from.Scale == 0 ? OutOfRange : "fractions are rounded; " + OutOfRange),
        (TypeKind.Bool, _) when to.IsInteger => new(Fidelity.Widened, "false is 0, true is 1"),
        (_, TypeKind.Bool) when from.IsInteger => new(Fidelity.Lossy, "0 is false, 1 is true; other values are refused"),
        (TypeKind.Float32, TypeKind.Float64) => new(Fidelity.Widened),
        (TypeKind.Float64, TypeKind.Float32) => new(Fidelity.Lossy, Rounds + "; " + OutOfRange),
        (TypeKind.Float32 or TypeKind.Float64, TypeKind.Decimal) => new(Fidelity.Lossy, Rounds + "; infinities, NaN and what is out of range are refused"),
        (TypeKind.Decimal, TypeKind.Float32 or TypeKind.Float64) => from.Precision <= (to.Kind == TypeKind.Float32 ? SingleDigits : DoubleDigits)
            ? new(Fidelity.Widened) : new(Fidelity.Lossy, Rounds),
        (TypeKind.Decimal, TypeKind.Decimal) => OfDecimals(from, to),
        (TypeKind.Date, TypeKind.Timestamp) => to.Unit == TimeUnit.Microsecond
            ? new(Fidelity.Widened, "becomes midnight" + (to.Zone is null ? "" : " UTC"))
            : new(Fidelity.Lossy, "becomes midnight" + (to.Zone is null ? "" : " UTC") + "; before 1677 and after 2262 is refused"),
        (TypeKind.Timestamp, TypeKind.Date) => new(Fidelity.Lossy, "the time of day is dropped"),
        (TypeKind.Timestamp, TypeKind.Timestamp) => OfTimestamps(from, to),
        (TypeKind.Time, TypeKind.Time) => to.Unit == TimeUnit.Nanosecond ? new(Fidelity.Widened) : new(Fidelity.Lossy, "nanoseconds are cut off"),
        (TypeKind.String, TypeKind.Json) => new(Fidelity.Lossy, "text that is no JSON document is refused"),
        (TypeKind.String, TypeKind.Binary) => new(Fidelity.Widened, "the UTF-8 bytes of the text"),
        (TypeKind.String, _) when !to.IsNested => new(Fidelity.Lossy, OfText(to)),
        (TypeKind.Binary, TypeKind.String) => new(Fidelity.Lossy, "bytes that are not UTF-8 are refused"),
        (TypeKind.Binary, TypeKind.Uuid) => new(Fidelity.Lossy, "values of other than 16 bytes are refused"),
        (TypeKind.Uuid, TypeKind.Binary) => new(Fidelity.Widened, "16 bytes"),
        (TypeKind.Json, TypeKind.String) => new(Fidelity.Widened, "the JSON text"),
        (_, TypeKind.Json) => new(Fidelity.Widened, OfJson(from)),
        (_, TypeKind.String) => new(Fidelity.Widened, from.IsNested
            ? "JSON text" : from.Kind == TypeKind.Timestamp && from.Zone is not null ? "text in UTC" : "text"),
        (TypeKind.List, TypeKind.List) => Of(from.Fields[0].Type, to.Fields[0].Type),
        (TypeKind.Map, TypeKind.Map) => Of(from.Fields[0].Type, to.Fields[0].Type).And(Of(from.Fields[1].Type, to.Fields[1].Type)),
        (TypeKind.Struct, TypeKind.Struct) => OfStructs(from, to),
        _ => TypeConversion.Impossible,
    };

    private static TypeConversion OfIntegers(DataType from, DataType to)
    {
        var (isSigned, becomesSigned) = (IsSigned(from), IsSigned(to));
        var fits = isSigned == becomesSigned ? to.ByteWidth >= from.ByteWidth : becomesSigned && to.ByteWidth > from.ByteWidth;
        return fits ? new(Fidelity.Widened) : new(Fidelity.Lossy, OutOfRange);
    }

    private static TypeConversion OfIntegerToFloat(DataType from, DataType to)
    {
        var bits = to.Kind == TypeKind.Float32 ? SingleBits : DoubleBits;
        return 8 * from.ByteWidth - (IsSigned(from) ? 1 : 0) <= bits
            ? new(Fidelity.Widened) : new(Fidelity.Lossy, $"integers of more than {bits} bits are rounded");
    }

    private static TypeConversion OfDecimals(DataType from, DataType to)
    {
        var fits = to.Precision - to.Scale >= from.Precision - from.Scale;
        return to.Scale >= from.Scale ? (fits ? new(Fidelity.Widened) : new(Fidelity.Lossy, OutOfRange))
            : new(Fidelity.Lossy, fits && to.Precision - to.Scale > from.Precision - from.Scale ? Rounds : Rounds + "; " + OutOfRange);
    }

    private static TypeConversion OfTimestamps(DataType from, DataType to)
    {
        var zone = (from.Zone, to.Zone) switch
        {
            (null, not null) => new(Fidelity.Widened, "taken for UTC"),
            (not null, null) => new(Fidelity.Lossy, "the zone is dropped; the values stay in UTC"),
            _ when from.Zone != to.Zone => new TypeConversion(Fidelity.Widened, "the same instants in another zone"),
            _ => TypeConversion.None,
        };
        var unit = (from.Unit, to.Unit) switch
        {
            (TimeUnit.Microsecond, TimeUnit.Nanosecond) => new(Fidelity.Lossy, "before 1677 and after 2262 is refused"),
            (TimeUnit.Nanosecond, TimeUnit.Microsecond) => new TypeConversion(Fidelity.Lossy, "nanoseconds are cut off"),
            _ => TypeConversion.None,
        };
        return unit.Fidelity == Fidelity.Lossy && zone.Fidelity == Fidelity.Lossy ? new(Fidelity.Lossy, $"{zone.Note}; {unit.Note}") : zone.And(unit);
    }

    /// <summary>Fields go by name; those that one side lacks are null, or dropped.</summary>
    private static TypeConversion OfStructs(DataType from, DataType to)
    {
        var worst = new TypeConversion(Fidelity.Widened);
        var kept = 0;
        foreach (var field in to.Fields)
        {
            var source = from.Fields.FirstOrDefault(f => f.Name == field.Name);
            if (source is not null)
                kept++;
            worst = worst.And(source is null ? new(Fidelity.Widened, "fields that are missing are null") : Of(source.Type, field.Type));
        }
        return kept == from.Fields.Length ? worst : kept == 0 ? TypeConversion.Impossible : worst.And(new(Fidelity.Lossy, "fields are dropped"));
    }

    private static string OfText(DataType to) => to.Kind switch
    {
        TypeKind.Float32 or TypeKind.Float64 or TypeKind.Decimal => Rounds + "; text that is no such number is refused",
        TypeKind.Timestamp when to.Zone is null => "text that is no such time is refused; a zone in the text is applied and dropped",
        TypeKind.Timestamp => "text that is no such time is refused; text without zone is taken for UTC",
        TypeKind.Date => "text that is no such date is refused; a time of day is dropped",
        _ when to.IsInteger => "fractions are rounded; text that is no such number is refused",
        _ => "text that is no such value is refused",
    };

    private static string OfJson(DataType from) => from.Kind switch
    {
        TypeKind.Bool => "true, false",
        TypeKind.Struct or TypeKind.Map => "object",
        TypeKind.List => "array",
        TypeKind.Binary => "string, base64",
        _ when from.IsInteger || IsFloat(from) || from.Kind == TypeKind.Decimal => "number",
        _ => "string",
    };

    /// <summary>Digits of the largest value of an integer type.</summary>
    private static int IntegerDigits(DataType type) => type.Kind switch
    {
        TypeKind.Int8 or TypeKind.UInt8 => 3,
        TypeKind.Int16 or TypeKind.UInt16 => 5,
        TypeKind.Int32 or TypeKind.UInt32 => 10,
        TypeKind.Int64 => 19,
        _ => 20,
    };

    private static bool IsFloat(DataType type) => type.Kind is TypeKind.Float32 or TypeKind.Float64;

    private static bool IsSigned(DataType type) => type.Kind is >= TypeKind.Int8 and <= TypeKind.Int64;
}
