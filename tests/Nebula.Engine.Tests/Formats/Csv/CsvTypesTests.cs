using System.Globalization;
using System.Numerics;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>Types found by looking at every value hold every value, without loss.</summary>
public sealed class CsvTypesTests
{
    private static readonly CsvDialect One = new CsvDialect { Header = false }.WithColumns(1);

    [Theory]
    [InlineData("1|2|-3", "int64")]
    [InlineData("1|9223372036854775808", "decimal(38,0)")]
    [InlineData("1|12345678901234567890", "decimal(38,0)")]
    [InlineData("1|007", "string")]
    [InlineData("1|-0", "float64")]
    [InlineData("1|+2", "string")]
    [InlineData("1|2.5", "float64")]
    [InlineData("1.50|2.25", "decimal(18,2)")]
    [InlineData("1.50|2.5", "float64")]
    [InlineData("1.50|-0.00", "float64")]
    [InlineData("12345678901234567.50|1.25", "decimal(38,2)")]
    [InlineData("12345678901234567.123|1.2", "decimal(38,3)")]
    [InlineData("12345678901234567890123456789012345678|0.1", "string")]
    [InlineData("1.5|1E5", "string")]
    [InlineData("1.5|1E+5", "float64")]
    [InlineData("-1E-16|-1e-17", "float64")]
    [InlineData("1.5|1e400", "string")]
    [InlineData("1.5|NaN", "float64")]
    [InlineData("1|-inf|Infinity|+INF", "float64")]
    [InlineData("1.50|nan", "float64")]
    [InlineData("NaN|inf|-Infinity", "string")]
    [InlineData("1|inf|infinite", "string")]
    [InlineData("1|-nan", "string")]
    [InlineData("9007199254740993|NaN", "string")]
    [InlineData("2020-01-01|NaN", "string")]
    [InlineData("true|FALSE", "bool")]
    [InlineData("true|1", "string")]
    [InlineData("true|yes", "string")]
    [InlineData("2020-01-01|1999-12-31", "date")]
    [InlineData("2020-01-01|soon", "string")]
    [InlineData("2020-01-01|2020-01-01T00:00:00", "string")]
    [InlineData("12:00:00|23:59:59.5", "time")]
    [InlineData("2020-01-01T00:00:00|2020-01-01 00:00:00.123456", "timestamp")]
    [InlineData("2020-01-01T00:00:00.123456789|2020-01-01T00:00:00", "timestamp(ns)")]
    [InlineData("1600-01-01T00:00:00|2020-01-01T00:00:00.123456789", "string")]
    [InlineData("2020-01-01T00:00:00.123456789|1600-01-01T00:00:00", "string")]
    [InlineData("2020-01-01T00:00:00Z|2020-01-01T00:00:00+02:00", "timestamp(UTC)")]
    [InlineData("2020-01-01T00:00:00Z|2020-01-01T00:00:00", "string")]
    [InlineData("\"1\"|2", "int64")]
    [InlineData("\"\"|2", "int64")]
    [InlineData("\"1\"\"\"|2", "string")]
    [InlineData("\"1\"x|2", "int64")]
    [InlineData("\"\"", "string")]
    [InlineData("1, 2", "string")]
    public void Infer_Values_GiveTheNarrowestType(string values, string expected)
    {
        var text = string.Join('\n', values.Split('|'));
        var dialect = One with { Delimiter = (byte)';' };
        Assert.Equal(expected, CsvReading.Infer(text, dialect).Fields[0].Type.ToString());
        Assert.Equal(expected, CsvReading.Infer(string.Join('\n', values.Split('|').Reverse()), dialect).Fields[0].Type.ToString());
    }

    [Fact]
    public void Infer_BadRecords_SayNothingAboutTypes()
    {
        var dialect = new CsvDialect { Header = false }.WithColumns(2);
        Assert.Equal("column0: int64, column1: int64", CsvReading.Infer("1,2\nx\na,b,c\n3,4\n", dialect).ToString());
    }

    [Fact]
    public void Infer_NoNullMarkers_EmptyFieldsAreTexts() =>
        Assert.Equal("string", CsvReading.Infer("1,\n,2\n", (One with { NullMarkers = [] }).WithColumns(2)).Fields[1].Type.ToString());

    [Fact]
    public void Read_TypesOfEveryValue_AreNeverContradictedAndLoseNothing()
    {
        const int seed = 51;
        var random = new Random(seed);
        var seen = new HashSet<string>();
        for (var round = 0; round < 3_000; round++)
        {
            var columns = random.Next(1, 4);
            var kinds = Enumerable.Range(0, columns).Select(_ => random.Next(Families.Length)).ToArray();
            var rows = Enumerable.Range(0, random.Next(1, 12)).Select(_ => kinds.Select(kind => RandomValue(random, kind)).ToArray()).ToArray();
            var text = string.Join('\n', rows.Select(static row => string.Join(',', row)));
            var dialect = new CsvDialect { Header = false }.WithColumns(columns);
            var schema = CsvReading.Infer(text, dialect, random.Next(1, 200));
            var types = schema.Fields.Select(static field => field.Type).ToArray();
            seen.UnionWith(types.Select(static type => type.Kind.ToString()));
            var result = CsvReading.Read(text, dialect, random.Next(1, 200), types, isFixed: false);
            var expected = rows.Where(static row => !(row.Length == 1 && row[0].Length == 0)).ToArray();
            Assert.True(expected.Length == result.Rows.Count, $"seed {seed}, round {round}: {text}");
            for (var r = 0; r < expected.Length; r++)
                for (var c = 0; c < columns; c++)
                    Assert.True(IsSame(expected[r][c], result.Rows[r][c], types[c]),
                        $"seed {seed}, round {round}: '{expected[r][c]}' as {types[c]} is {CsvReading.Result.Show(result.Rows[r][c])}\n{text}");
        }
        // the values are mixed so that every type occurs
        Assert.Superset(new HashSet<string> { "Bool", "Int64", "Float64", "Decimal", "Date", "Time", "Timestamp", "String" }, seen);
    }

    [Theory]
    [InlineData("int64", "1|2|x|4", 3)]
    [InlineData("int8", "127|-128|128|-1", 3)]
    [InlineData("uint8", "0|255|256", 3)]
    [InlineData("uint8", "0|-1", 2)]
    [InlineData("uint64", "18446744073709551615|18446744073709551616", 2)]
    [InlineData("bool", "true|FALSE|maybe", 3)]
    [InlineData("bool", "true|\"false\"|\"NULL\"", 3)]
    [InlineData("decimal(4,2)", "99.99|1|100.00", 3)]
    [InlineData("decimal(38,2)", "99.99|1.234", 2)]
    [InlineData("date", "2020-02-29|2021-02-29", 2)]
    [InlineData("time", "00:00:00|24:00:00", 2)]
    [InlineData("timestamp", "2020-01-01T00:00:00|2020-01-01T00:00:00Z", 2)]
    [InlineData("timestamp(UTC)", "2020-01-01T00:00:00|2020-01-01T00:00:60", 2)]
    [InlineData("uuid", "00000000-0000-0000-0000-000000000001|1", 2)]
    [InlineData("float32", "1.5|1.5x", 2)]
    [InlineData("float64", "1E5|abc", 2)]
    [InlineData("int64", "1|\"2\"|\"3\"x", 3)]
    public void Read_FixedType_WrongValueIsABadRow(string type, string values, int badLine)
    {
        var dialect = One with { NullMarkers = ["", "NULL"] };
        var result = CsvReading.Read(string.Join('\n', values.Split('|')), dialect, types: [DataType.Parse(type)!]);
        Assert.Equal(badLine, Assert.Single(result.Rejected).Line);
        Assert.Equal(values.Split('|').Length - 1, result.Rows.Count);
        Assert.DoesNotContain(result.Rows, static row => row[0] is null);
    }

    [Theory]
    [InlineData("int64", "1|x", "the value 'x' is not an int64")]
    [InlineData("float64", "1.5|1E5", "the value '1E5' is not a float64")]
    [InlineData("bool", "true|\"yes\"", "the value '\"yes\"' is not a bool")]
    public void Read_InferredType_WrongValueContradicts(string type, string values, string message)
    {
        var e = Assert.Throws<SchemaContradictionException>(() =>
            CsvReading.Read(string.Join('\n', values.Split('|')), One, types: [DataType.Parse(type)!], isFixed: false));
        Assert.StartsWith(message, e.Reason, StringComparison.Ordinal);
        Assert.Equal((2L, "column0"), (e.Location!.Value.Line, e.Location.Value.Column));
    }

    [Fact]
    public void Read_WrongQuotesAndWrongTypeInOneRow_IsABadRow()
    {
        var result = CsvReading.Read("1,2\nx,\"3\"4\n", One.WithColumns(2), types: [DataType.Int64, DataType.Int64], isFixed: false);
        Assert.Contains("text behind the closing quote", Assert.Single(result.Rejected).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullMarkers_AreNullWhenNotQuoted()
    {
        var dialect = (One with { NullMarkers = ["NULL", "-1"] }).WithColumns(3);
        var result = CsvReading.Read("NULL,NULL,NULL\n-1,-1,-1\n,,true\n\"NULL\",\"5\",\"true\"\n\"\",\"\",\"\"\n", dialect,
            types: [DataType.String, DataType.Int64, DataType.Bool]);
        Assert.Equal("∅ | ∅ | ∅\n∅ | ∅ | ∅\n'' | ∅ | True\n'NULL' | 5 | True\n'' | ∅ | ∅\n-- ", result.Render());
    }

    private static readonly string[][] Families =
    [
        ["1", "-5", "0", "42", "", "9007199254740993"],
        ["1", "12345678901234567890", "-0", "9223372036854775807", ""],
        ["1.50", "2.25", "-3.10", "", "99999999999999.99"],
        ["1.5", "2.25", "1e-7", "0.1", "", "-1.5E+10", "-2e-300"],
        ["1.5", "1E5", "007", "12"],
        ["true", "False", "", "TRUE"],
        ["true", "maybe", ""],
        ["2020-01-01", "1969-12-31", "", "0001-01-01"],
        ["2020-01-01", "2020-01-01T10:00:00", ""],
        ["10:00:00", "23:59:59.999999", ""],
        ["10:00:00", "23:59:59.1234567", "", "00:00:00.000000001"],
        ["2020-01-01T10:00:00", "1600-06-01 10:00:00.5", ""],
        ["2020-01-01T10:00:00.123456789", "1600-06-01 10:00:00.5", ""],
        ["2020-01-01T10:00:00.123456789", "2020-06-01 10:00:00.5", ""],
        ["2020-01-01T10:00:00Z", "2020-06-01T10:00:00.5+02:00", ""],
        ["\"1\"", "2", "\"\"", "3"],
        ["abc", "\"d,e\"", "", "1"],
        ["123456789012345.678", "1.1", "0.12345678901234567", ""],
    ];

    private static long Nanoseconds(string time) =>
        TimeSpan.Parse(time[..8], CultureInfo.InvariantCulture).Ticks * 100
            + long.Parse(time.PadRight(9, '.')[9..].PadRight(9, '0'), CultureInfo.InvariantCulture);

    private static string RandomValue(Random random, int family) => Families[family][random.Next(Families[family].Length)];

    /// <summary>Whether a value says what its text says.</summary>
    private static bool IsSame(string text, object? value, DataType type)
    {
        var content = text.StartsWith('"') ? text[1..^1] : text;
        if (value is null)
            return content.Length == 0 && (type.Kind != TypeKind.String || text.Length == 0);
        var fraction = content.Contains('.', StringComparison.Ordinal) ? content.Length - content.IndexOf('.', StringComparison.Ordinal) - 1 : 0;
        return type.Kind switch
        {
            TypeKind.String => (string)value == content,
            TypeKind.Bool => (bool)value == bool.Parse(content),
            TypeKind.Int64 => (long)value == long.Parse(content, CultureInfo.InvariantCulture),
            TypeKind.Float64 => (double)value == double.Parse(content, CultureInfo.InvariantCulture),
            TypeKind.Decimal => BigInteger.Parse(content.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * BigInteger.Pow(10,
                type.Scale - fraction) == (value is long small ? small : (BigInteger)(Int128)value),
            TypeKind.Date => DateTime.UnixEpoch.AddDays((long)value) == DateTime.Parse(content, CultureInfo.InvariantCulture),
            TypeKind.Time => Nanoseconds(content) == (type.Unit == TimeUnit.Nanosecond ? (long)value : (long)value * 1000),
            TypeKind.Timestamp => DateTime.UnixEpoch.AddTicks(type.Unit == TimeUnit.Nanosecond ? (long)value / 100 : (long)value * 10)
                == DateTime.Parse(content.Length > 27 && !content.Contains('+', StringComparison.Ordinal) ? content[..27] : content,
                    CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal),
            _ => false,
        };
    }

}
