using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>What the text of a value is, and so how it is read into its column.</summary>
internal enum TextForm
{
    /// <summary>The value itself.</summary>
    Text,

    /// <summary><c>t</c> or <c>f</c>.</summary>
    Bool,

    /// <summary>An integer of two bytes.</summary>
    Int16,

    /// <summary>An integer of four bytes.</summary>
    Int32,

    /// <summary>An integer of eight bytes.</summary>
    Int64,

    /// <summary>An integer of four bytes without a sign.</summary>
    UInt32,

    /// <summary>A float of four bytes.</summary>
    Float32,

    /// <summary>A float of eight bytes.</summary>
    Float64,

    /// <summary>A number of up to 18 digits.</summary>
    Decimal64,

    /// <summary>A number of up to 38 digits.</summary>
    Decimal128,

    /// <summary>A date, also one before the year 1 or after 9999.</summary>
    Date,

    /// <summary>A time of day.</summary>
    Time,

    /// <summary>A date and a time, UTC if there is a zone.</summary>
    Timestamp,

    /// <summary>A UUID.</summary>
    Uuid,

    /// <summary><c>\x</c> and hexadecimal digits.</summary>
    Hexadecimal,

    /// <summary>An array or a composite, which the server turns into JSON.</summary>
    Structured,
}

/// <summary>Facts about forms.</summary>
internal static class TextForms
{
    /// <summary>The form of values of a column.</summary>
    /// <param name="wire">How its values are read in a snapshot.</param>
    /// <param name="type">The type they have there.</param>
    public static TextForm Of(PostgreSqlWire wire, DataType type) => wire switch
    {
        PostgreSqlWire.Bool => TextForm.Bool,
        PostgreSqlWire.Int2 => TextForm.Int16,
        PostgreSqlWire.Int4 => TextForm.Int32,
        PostgreSqlWire.Int8 => TextForm.Int64,
        PostgreSqlWire.Oid => TextForm.UInt32,
        PostgreSqlWire.Float4 => TextForm.Float32,
        PostgreSqlWire.Float8 => TextForm.Float64,
        PostgreSqlWire.Numeric => type.ByteWidth == sizeof(long) ? TextForm.Decimal64 : TextForm.Decimal128,
        PostgreSqlWire.Date => TextForm.Date,
        PostgreSqlWire.Time => TextForm.Time,
        PostgreSqlWire.Timestamp => TextForm.Timestamp,
        PostgreSqlWire.Uuid => TextForm.Uuid,
        PostgreSqlWire.ToJson => TextForm.Structured,
        PostgreSqlWire.Bytes when type.Kind == TypeKind.Binary => TextForm.Hexadecimal,
        _ => TextForm.Text,
    };
}
