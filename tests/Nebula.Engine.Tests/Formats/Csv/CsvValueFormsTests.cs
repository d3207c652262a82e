using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>Values in forms that the user describes: blanks around them, other decimal points, other dates.</summary>
public sealed class CsvValueFormsTests
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;
    private static readonly CsvDialect One = new CsvDialect { Header = false, Delimiter = (byte)'|' }.WithColumns(1);

    [Fact]
    public void Trim_BlanksAroundValues_GoAndThoseInsideQuotesStay()
    {
        const string text = "  a , 1 \r\nb\t,\t\" 2 \"  \r\n   ,  \r\n \"c\" ,3\r\n \"d\" e ,\"\"\"\"";
        var dialect = new CsvDialect { Header = false, Trim = true }.WithColumns(2);

        Assert.Equal("'a' | '1'\n'b' | ' 2 '\n∅ | ∅\n'c' | '3'\n' \"d\" e' | '\"'\n-- ", CsvReading.Read(text, dialect).Render());
        Assert.Equal("'  a ' | ' 1 '", CsvReading.Read(text, dialect with { Trim = false }).Render().Split('\n')[0]);
        Assert.Equal("column0: string, column1: int64", CsvReading.Infer(" x , 1 \n y,2\t\n", dialect).ToString());
        Assert.Equal("column0: string, column1: string", CsvReading.Infer(" x , 1 \n y,2\t\n", dialect with { Trim = false }).ToString());
    }

    [Fact]
    public void Trim_AnyBlocks_GiveTheSame()
    {
        var random = new Random(7);
        string[] pieces = ["a", "1", " ", "\t", "\"x\"", ",", "\n", "\r\n", " , ", "#"];
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)]));
            var dialect = new CsvDialect { Header = false, Trim = true, NullPadding = round % 2 == 0, Comment = round % 3 == 0 ? (byte)'#' : null }.WithColumns(2);
            Assert.Equal(CsvReading.Read(text, dialect).Render(), CsvReading.Read(text, dialect, blockSize: 1 + random.Next(20)).Render());
        }
    }

    [Theory]
    [InlineData("1,5|-2,25|3", ",", "", "float64", "1.5;-2.25;3")]
    [InlineData("1,50|2,25", ",", "", "decimal(18,2)", "150;225")]
    [InlineData("1.234,50|12,25|1.234.567,00", ",", ".", "decimal(18,2)", "123450;1225;123456700")]
    [InlineData("1,234|12|1,234,567", ".", ",", "int64", "1234;12;1234567")]
    [InlineData("1 234|-1 234 567", ".", " ", "int64", "1234;-1234567")]
    [InlineData("1'234.5|7", ".", "'", "float64", "1234.5;7")]
    [InlineData("1,5|2.5", ",", "", "string", null)]
    [InlineData("01.02.2024|1", ",", ".", "string", null)]
    [InlineData("1.23|1.2345|12.34.567|.123|1..234", ",", ".", "string", null)]
    [InlineData("1,234,56", ",", "", "string", null)]
    [InlineData("1,5|NaN", ",", "", "float64", "1.5;NaN")]
    public void Numbers_OfAnotherForm_AreInferredAndRead(string values, string point, string group, string type, string? expected)
    {
        var dialect = One with { Decimal = (byte)point[0], Thousands = group.Length > 0 ? (byte)group[0] : null };
        var text = values.Replace('|', '\n') + "\n";
        var found = CsvReading.Infer(text, dialect).Fields[0].Type;
        Assert.Equal(type, found.ToString());
        if (expected is null)
            return;
        var read = CsvReading.Read(text, dialect, types: [found], isFixed: false);
        Assert.Empty(read.Rejected);
        Assert.Equal(expected, string.Join(';', read.Rows.Select(static row => CsvReading.Result.Show(row[0]))));
    }

    [Theory]
    [InlineData("int64", "1.5", false)]
    [InlineData("int64", "12", true)]
    [InlineData("int64", "1,0", true)]
    [InlineData("float64", "1.5", false)]
    [InlineData("float64", " 1,5 ", true)]
    [InlineData("float32", "1,5", true)]
    [InlineData("decimal(10,2)", "1,234", false)]
    [InlineData("decimal(10,2)", "1,2", true)]
    public void Numbers_OfANamedType_FollowTheForm(string type, string value, bool isGood)
    {
        var read = CsvReading.Read(value + "\n", One with { Decimal = (byte)',' }, types: [DataType.Parse(type)!]);
        Assert.Equal(isGood ? (1, 0) : (0, 1), (read.Rows.Count, read.Rejected.Count));
    }

    [Theory]
    [InlineData("%d.%m.%Y", "31.12.2023|1.2.2024", "2023-12-31;2024-02-01")]
    [InlineData("%m/%d/%y", "12/31/69|01/02/68", "1969-12-31;2068-01-02")]
    [InlineData("%Y%m%d", "20240131", "2024-01-31")]
    [InlineData("%d %b %Y", "05 mar 2024|6 December 2024", "2024-03-05;2024-12-06")]
    [InlineData("%a, %d %B %Y", "Tue, 05 March 2024", "2024-03-05")]
    [InlineData("%Y-%j", "2024-366", "2024-12-31")]
    [InlineData("100%%F %F", "100%F 2024-02-29", "2024-02-29")]
    public void Dates_OfAForm_AreInferredAndRead(string format, string values, string expected)
    {
        var dialect = One with { DateFormat = format };
        var text = values.Replace('|', '\n') + "\n";
        Assert.Equal("date", CsvReading.Infer(text, dialect).Fields[0].Type.ToString());
        var read = CsvReading.Read(text, dialect, types: [DataType.Date], isFixed: false);
        Assert.Equal(expected, string.Join(';', read.Rows.Select(static row => DateTime.UnixEpoch.AddDays((long)row[0]!).ToString("yyyy-MM-dd", Invariant))));
    }

    [Theory]
    [InlineData("%d/%m/%Y %H:%M", "31/12/2023 7:05", "timestamp", "2023-12-31T07:05:00")]
    [InlineData("%d/%m/%Y %I:%M:%S %p", "31/12/2023 12:00:01 am|1/1/2024 12:30:00 PM", "timestamp", "2023-12-31T00:00:01;2024-01-01T12:30:00")]
    [InlineData("%F %T.%f", "2024-01-01 00:00:00.25|2024-01-01 00:00:00.1234567", "timestamp(ns)", "2024-01-01T00:00:00.25;2024-01-01T00:00:00.1234567")]
    [InlineData("%d/%b/%Y:%T %z", "10/Oct/2000:13:55:36 -0700", "timestamp(UTC)", "2000-10-10T20:55:36")]
    [InlineData("%Y%m%d%H%M%S", "20240131235959", "timestamp", "2024-01-31T23:59:59")]
    public void Timestamps_OfAForm_AreInferredAndRead(string format, string values, string type, string expected)
    {
        var dialect = One with { TimestampFormat = format };
        var text = values.Replace('|', '\n') + "\n";
        var found = CsvReading.Infer(text, dialect).Fields[0].Type;
        Assert.Equal(type, found.ToString());
        var ticksPerUnit = found.Unit == TimeUnit.Nanosecond ? 0.01m : 10;
        var read = CsvReading.Read(text, dialect, types: [found], isFixed: false);
        Assert.Equal(expected, string.Join(';', read.Rows.Select(row =>
            DateTime.UnixEpoch.AddTicks((long)((long)row[0]! * ticksPerUnit)).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", Invariant))));
    }

    [Theory]
    [InlineData("%d.%m.%Y", "31.11.2023")]
    [InlineData("%d.%m.%Y", "29.02.2023")]
    [InlineData("%d.%m.%Y", "2023-11-01")]
    [InlineData("%d.%m.%Y", "1.1.23")]
    [InlineData("%d.%m.%Y", "01.01.2023 ")]
    [InlineData("%d.%m.%Y", "00.01.2023")]
    [InlineData("%d.%m.%Y", "01.13.2023")]
    [InlineData("%d.%m.%Y", "01.01.0000")]
    [InlineData("%d%m%Y", "1012023")]
    [InlineData("%d %b %Y", "05 foo 2024")]
    [InlineData("%Y-%j", "2023-366")]
    public void Dates_ThatAreNone_AreBadRows(string format, string value)
    {
        var dialect = One with { DateFormat = format };
        Assert.NotEqual(TypeKind.Date, CsvReading.Infer(value + "\n", dialect).Fields[0].Type.Kind);
        Assert.Contains("is not a date", Assert.Single(CsvReading.Read(value + "\n", dialect, types: [DataType.Date]).Rejected).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("%d/%m/%Y %H:%M", "31/12/2023 24:00")]
    [InlineData("%d/%m/%Y %H:%M", "31/12/2023 7")]
    [InlineData("%d/%m/%Y %I:%M %p", "31/12/2023 13:00 PM")]
    [InlineData("%d/%m/%Y %I:%M %p", "31/12/2023 1:00 XM")]
    [InlineData("%F %T.%f", "2024-01-01 00:00:00.1234567890")]
    [InlineData("%F %T %z", "2024-01-01 00:00:00 +25:00")]
    [InlineData("%F %T %z", "2024-01-01 00:00:00 CET")]
    public void Timestamps_ThatAreNone_AreBadRows(string format, string value)
    {
        var dialect = One with { TimestampFormat = format };
        Assert.Equal("string", CsvReading.Infer(value + "\n", dialect).Fields[0].Type.ToString());
        Assert.Single(CsvReading.Read(value + "\n", dialect, types: [DataType.Timestamp(zone: "UTC")]).Rejected);
    }

    [Theory]
    [InlineData("decimal", "", "must be one ASCII character that numbers do not have besides")]
    [InlineData("decimal", "5", "must be one ASCII character that numbers do not have besides")]
    [InlineData("decimal", "-", "must be one ASCII character that numbers do not have besides")]
    [InlineData("thousands", ".", "are both '.'. For numbers such as 1.234,5 set 'decimal' to ',' and 'thousands' to '.'")]
    [InlineData("date_format", "%d.%m", "a date needs a year, a month and a day")]
    [InlineData("date_format", "dd.MM.yyyy", "a date needs a year, a month and a day")]
    [InlineData("date_format", "%d.%m.%Y %H:%M", "it has a time of day: use 'timestamp_format'")]
    [InlineData("date_format", "%d.%m.%Y%", "it ends with a single %")]
    [InlineData("date_format", "%d.%m.%Q", "it has '%Q', which means nothing here; known are %Y")]
    [InlineData("date_format", "%d.%m.%Y %y", "it has more than one of %Y and %y")]
    [InlineData("timestamp_format", "%F %I:%M", "need each other")]
    [InlineData("timestamp_format", "%F %H %M:%M", "it has %M twice")]
    public void Options_ThatCannotBe_AreRefused(string name, string value, string message)
    {
        var error = Assert.Throws<NebulaException>(() => Detect("a;b\n1;2\n", (name, value)));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_CharacterThatEnclosesFields_IsRefused() => Assert.Contains("encloses fields: set 'quote'",
        Assert.Throws<NebulaException>(() => Detect("a,b\n'1,5',2\n'7,5',3\n", ("thousands", "'"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a;b\n1,5;2,5\n3,5;4,5\n", ';')]
    [InlineData("a,b,c\n1,5,2\n3,5,4\n", ',')]
    [InlineData("a,b\n\"1,5\",2\n", ',')]
    public void Decimal_IsNoDelimiterUnlessThereIsNoOther(string text, char delimiter)
    {
        var dialect = Detect(text, ("decimal", ","));
        Assert.Equal(delimiter, (char)dialect.Delimiter);
        Assert.Equal((byte)',', dialect.Decimal);
        Assert.Equal(dialect.ToDetails(), CsvDialect.FromDetails(dialect.ToDetails()).ToDetails());
    }

    [Fact]
    public void Header_OfTrimmedFields_IsTrimmed() => Assert.Equal(["id", "full name"], Detect("id , full name\n1, x\n", ("trim", "true")).Columns.ToArray());

    private static CsvDialect Detect(string text, params (string Key, string Value)[] settings) => new CsvDialectDetector(new OptionValues("source", CsvOptions.Read,
        settings.Select(static s => KeyValuePair.Create(s.Key, new OptionValue([s.Value], new SourceLocation("test"))))))
        .Detect(Encoding.UTF8.GetBytes(text), isWhole: true);
}
