using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;

namespace Nebula.Engine.Tests.Formats.Csv;

public sealed class CsvDialectDetectorTests
{
    [Theory]
    [InlineData("a,b\n1,2\n", ",", "\"", null, null)]
    [InlineData("a;b\n1,5;2\n", ";", "\"", null, null)]
    [InlineData("a\tb\n1\t2\n", "\t", "\"", null, null)]
    [InlineData("a|b\n1|2\n", "|", "\"", null, null)]
    [InlineData("a,b\n\"x;y;z\",\"p;q;r\"\n", ",", "\"", null, null)]
    [InlineData("n,m\n\"Braund, Mr. O\",1\n\"Cumings, Mrs. 'J'\",2\n\"Heik, 'L'\",3\n", ",", "\"", null, null)]
    [InlineData("a,b\n'x,y',1\n'p,q',2\n", ",", "'", null, null)]
    [InlineData("a,b\nit's,1\n'tis,2\n", ",", "\"", null, null)]
    [InlineData("a,b\n\"x\\\"y\",1\n", ",", "\"", "\\", null)]
    [InlineData("# made by hand\na,b\n1,2\n", ",", "\"", null, "#")]
    [InlineData("a,b\n1,2\n# it's, \"so, on\n3,4\n", ",", "\"", null, "#")]
    [InlineData("a,b\n1,2\n#3,4\n", ",", "\"", null, null)]
    [InlineData("#id,b\n1,2\n", ",", "\"", null, null)]
    [InlineData("\"a,b\"\n\"c,d\"\n", ",", "\"", null, null)]
    public void Detect_Sample_GivesTheDialect(string text, string delimiter, string quote, string? escape, string? comment)
    {
        var dialect = Detect(text);
        Assert.Equal((delimiter, quote, escape ?? quote, comment), (Show(dialect.Delimiter), Show(dialect.Quote), Show(dialect.Escape), Show(dialect.Comment)));
    }

    [Theory]
    [InlineData("id,name\n1,a\n", "id,name")]
    [InlineData("name,city\na,b\n", "name,city")]
    [InlineData("1,a\n2,b\n", null)]
    [InlineData("a,b,\n1,2,\n", "a,b,column2")]
    [InlineData("a,,c\n1,2,x\n", "a,column1,c")]
    [InlineData("a,a,a\n1,2,3\n", "a,a_1,a_2")]
    [InlineData("a,a_1,a\n1,2,3\n", "a,a_1,a_2")]
    [InlineData("column1,,x\n1,2,3\n", "column1,column1_1,x")]
    [InlineData("a,a\nx,y\n", null)]
    [InlineData(",name\n0,a\n1,b\n", "column0,name")]
    [InlineData("x,\na,b\n", null)]
    [InlineData("1/2/2020,ab\n3/4/2021,cd\n", null)]
    [InlineData("2020-01-01,ab\n", null)]
    [InlineData("\n\na,b\n1,2\n", "a,b")]
    [InlineData("name,2020,2021\nBonn,35,36\nHalle,12.5,\n", "name,2020,2021")]
    [InlineData("name,2020,2021\nBonn,35,36\nHalle,x,y\n", "name,2020,2021")]
    [InlineData(",2020,2021\nBonn,35,36\n", "column0,2020,2021")]
    [InlineData("title,2020,2021\nother,1999,2003\n", null)]
    [InlineData("name,2020,2020\nBonn,35,36\n", null)]
    [InlineData("name,2020,17\nBonn,35,36\n", null)]
    [InlineData("2020,2021\n35,36\n", null)]
    [InlineData("name,2020\n", null)]
    [InlineData("\"a\nb\",c\n1,2\n", "a\nb,c")]
    public void Detect_FirstRecord_IsHeaderOrNot(string text, string? names)
    {
        var dialect = Detect(text);
        Assert.Equal(names is not null, dialect.Header);
        if (names is not null)
            Assert.Equal(names, string.Join(',', dialect.Columns));
        else
            Assert.All(dialect.Columns, static name => Assert.StartsWith("column", name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a,b\r1,2\r", '\r')]
    [InlineData("a,b\r\n1,2\r\n", '\n')]
    [InlineData("a,b", '\n')]
    public void Detect_LineEnd(string text, char expected) => Assert.Equal((byte)expected, Detect(text).NewLine);

    [Fact]
    public void Detect_FirstRecordLongerThanTheSample_IsRefused()
    {
        var e = Assert.Throws<DataFormatException>(() => new CsvDialectDetector(Options()).Detect("a,b,c,d"u8, isWhole: false));
        Assert.Contains("raise 'sample_size'", e.Message, StringComparison.Ordinal);
    }

    private static CsvDialect Detect(string text) => new CsvDialectDetector(Options()).Detect(Encoding.UTF8.GetBytes(text), isWhole: true);

    private static OptionValues Options() => new("source \"csv\"", CsvOptions.Read, []);

    private static string? Show(byte? value) => value is { } c ? ((char)c).ToString() : null;
}
