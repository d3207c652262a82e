using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Converts columns of one type to another, as <see cref="ConversionTable"/> says. Stateless: one serves all threads.</summary>
internal abstract class ColumnConverter
{
    /// <summary>Makes a converter.</summary>
    /// <param name="from">The type of the columns.</param>
    /// <param name="to">The type that they get.</param>
    /// <param name="allowsLoss">Whether values may be rounded and meanings dropped. What does not fit at all never passes.</param>
    /// <returns>The converter; null when the table says that there is none.</returns>
    public static ColumnConverter? Create(DataType from, DataType to, bool allowsLoss) =>
        ConversionTable.Of(from, to).Fidelity == Fidelity.Impossible ? null : Make(from, to, allowsLoss);

    /// <summary>Converts a column.</summary>
    /// <param name="source">The column; it stays the caller's.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="faults">Takes the values that were not converted. Their slots are null.</param>
    /// <returns>A column with buffers of its own.</returns>
    public abstract Column Convert(Column source, BufferPool pool, ValueFaults faults);

    /// <summary>Makes a column of nulls.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="length">Number of values.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static Column Nulls(DataType type, int length, BufferPool pool)
    {
        using var builder = new ColumnBuilder(pool, type);
        for (var i = 0; i < length; i++)
            builder.AppendNull();
        return builder.Build();
    }

    private static ColumnConverter Make(DataType from, DataType to, bool allowsLoss)
    {
        if (from.Equals(to))
            return new CopyConverter();
        switch (from.Kind, to.Kind)
        {
            case (TypeKind.List, TypeKind.List) or (TypeKind.Map, TypeKind.Map):
                return new ListConverter(to, [.. from.Fields.Zip(to.Fields, (a, b) => Make(a.Type, b.Type, allowsLoss))]);
            case (TypeKind.Struct, TypeKind.Struct):
                return MakeStruct(from, to, allowsLoss);
            case (TypeKind.String, TypeKind.Json):
                return new BytesConverter(to, BytesRule.Json);
            case (TypeKind.Binary, TypeKind.String):
                return new BytesConverter(to, BytesRule.Text);
            case (TypeKind.String, TypeKind.Binary) or (TypeKind.Json, TypeKind.String):
                return new BytesConverter(to, BytesRule.None);
            case (_, TypeKind.Json):
                return new ToJsonConverter(from, to);
            case (_, TypeKind.String):
                return from.IsNested ? new ToJsonConverter(from, to) : new ToTextConverter();
            case (TypeKind.String, _):
                return MakeFromText(to, allowsLoss);
            case (TypeKind.Uuid, _):
                return new UuidToBinaryConverter();
            case (TypeKind.Binary, _):
                return new FromTextConverter<Int128, BinaryToUuid>(to, default, allowsLoss);
            case (TypeKind.Date, _):
                return new FixedConverter<int, long, DateToTimestamp>(to, new DateToTimestamp(Days.UnitsOf(to.Unit)), allowsLoss);
            case (_, TypeKind.Date):
                return new FixedConverter<long, int, TimestampToDate>(to, new TimestampToDate(Days.UnitsOf(from.Unit)), allowsLoss);
            case (TypeKind.Time or TypeKind.Timestamp, _):
                return MakeTime(from, to, allowsLoss);
            default:
                return NumberConverters.Make(from, to, allowsLoss);
        }
    }

    private static StructConverter MakeStruct(DataType from, DataType to, bool allowsLoss)
    {
        var fields = to.Fields.Select(field =>
        {
            var position = Array.FindIndex([.. from.Fields], source => source.Name == field.Name);
            return (position, position < 0 ? new CopyConverter() : Make(from.Fields[position].Type, field.Type, allowsLoss));
        });
        var dropsFields = from.Fields.Count(field => to.Fields.Any(other => other.Name == field.Name)) < from.Fields.Length;
        return new StructConverter(to, [.. fields], dropsFields, allowsLoss);
    }

    private static ColumnConverter MakeTime(DataType from, DataType to, bool allowsLoss)
    {
        var dropsZone = from.Zone is not null && to.Zone is null;
        return (from.Unit, to.Unit) switch
        {
            (TimeUnit.Microsecond, TimeUnit.Nanosecond) => new FixedConverter<long, long, FinerTime>(to, new FinerTime(dropsZone), allowsLoss),
            (TimeUnit.Nanosecond, TimeUnit.Microsecond) => new FixedConverter<long, long, CoarserTime>(to, new CoarserTime(dropsZone), allowsLoss),
            _ => new FixedConverter<long, long, SameTime>(to, new SameTime(dropsZone), allowsLoss),
        };
    }

    private static ColumnConverter MakeFromText(DataType to, bool allowsLoss) =>
        to.Kind == TypeKind.Bool ? new TextToBoolConverter() : TextMaps.Find(to, new Making(to, allowsLoss));

    private sealed class Making(DataType to, bool allowsLoss) : ITextMapUser<ColumnConverter>
    {
        public ColumnConverter Use<T, TMap>(TMap map)
            where T : unmanaged
            where TMap : struct, ITextMap<T> => new FromTextConverter<T, TMap>(to, map, allowsLoss);
    }
}
