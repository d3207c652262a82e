using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>However an input is cut into blocks, the same rows, rejected rows and line numbers come out, and they are those of the reference.</summary>
public sealed class CsvBlocksTests
{
    private static readonly CsvDialect Plain = new CsvDialect { Header = false }.WithColumns(2);

    [Theory]
    [InlineData("a,b\n1,2\n", "'a' | 'b'\n'1' | '2'")]
    [InlineData("a,b\r\n1,2\r\n", "'a' | 'b'\n'1' | '2'")]
    [InlineData("a,b\n\n1,2", "'a' | 'b'\n'1' | '2'")]
    [InlineData(",\n\"\",x\n", "∅ | ∅\n'' | 'x'")]
    [InlineData("\"a\"\"b\",\"c,\nd\"\r\n", "'a\"b' | 'c,\nd'")]
    [InlineData("a\"b\",c\"\n", "'a\"b\"' | 'c\"'")]
    [InlineData(" a , b \n", "' a ' | ' b '")]
    [InlineData("a\r,b\r\n", "'a\r' | 'b'")]
    [InlineData("\"\r\n\",\"\"\"\"\n", "'\r\n' | '\"'")]
    public void Decode_WrittenByHand_GivesTheRows(string text, string expected) =>
        Assert.Equal(expected, CsvReading.Read(text, Plain).Render().Split("\n-- ")[0]);

    [Theory]
    [InlineData("a,b\n1\n2,3\n", 2, "the record has 1 field where 2 are expected")]
    [InlineData("a,b\n1,2,3", 2, "the record has 3 fields where 2 are expected")]
    [InlineData("\"a\nb\",c\n\n\"x\"y,z\n", 4, "in '\"x\"y' there is text behind the closing quote")]
    [InlineData("a,b\nc,\u0001\n\"x\"\"y,z\"\"\",\"\"\"q\"z\n", 3, "in '\"\"\"q\"z' there is text behind the closing quote")]
    public void Decode_BadRecord_IsRejectedWithItsLine(string text, long line, string reason)
    {
        var rejected = Assert.Single(CsvReading.Read(text, Plain).Rejected);
        Assert.Equal(line, rejected.Line);
        Assert.StartsWith(reason, rejected.Reason, StringComparison.Ordinal);
    }

    /// <summary>What a block will need is foreseen from its first records, and from how many there were in the block before: neither need hold.</summary>
    [Fact]
    public void Decode_RecordsBecomeLonger_TakesMemoryInStepWithTheBlock()
    {
        const int Columns = 20;
        const int BlockSize = 256 << 10;
        var text = new StringBuilder();
        foreach (var (length, bytes) in new[] { (1, 2 * BlockSize), (45, 4 * BlockSize) })
        {
            var record = string.Join(',', Enumerable.Repeat(new string('x', length), Columns)) + "\n";
            for (var written = 0; written < bytes; written += record.Length)
                text.Append(record);
        }
        using var pool = new BufferPool();
        var dialect = new CsvDialect { Header = false }.WithColumns(Columns);
        var input = Encoding.UTF8.GetBytes(text.ToString());
        CsvReading.Read(input, dialect, BlockSize, CsvReading.Plan(dialect), pool);
        Assert.InRange(pool.PeakBytes, BlockSize, 8 * BlockSize);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Decode_InvalidUtf8_RejectsTheRecordAndKeepsTheOthers()
    {
        byte[] input = [.. "a,b\nx,"u8, 0xC3, 0x28, .. "\nü,ß\n"u8];
        var result = CsvReading.Read(input, Plain);
        Assert.Equal("'a' | 'b'\n'ü' | 'ß'", result.Render().Split("\n-- ")[0]);
        Assert.Equal(2, Assert.Single(result.Rejected).Line);
        Assert.StartsWith("the record is not valid UTF-8: byte 0xC3 at position 3.", result.Rejected[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_OneColumn_BlankLinesAreNoRows() =>
        Assert.Equal("'a'\n''\n'b'", CsvReading.Read("x\na\n\r\n\"\"\nb\n\n",
            new CsvDialect().WithColumns(1) with { Columns = ["x"] }).Render().Split("\n-- ")[0]);

    [Fact]
    public void Decode_HeaderBehindBlankLinesAndComments_IsDropped()
    {
        var dialect = new CsvDialect { Comment = (byte)'#' } with { Columns = ["x", "y"] };
        foreach (var text in (string[])["\n\r\n# it's, \"so\n\nx,y\n1,2\n", "# a\nx,y\n1,2", "x,y\n# \"\n1,2\n#"])
            for (var size = 1; size <= text.Length; size++)
                Assert.Equal("'1' | '2'\n-- ", CsvReading.Read(text, dialect, size).Render());
    }

    [Fact]
    public void Decode_HeaderOfAnotherFile_IsRefused()
    {
        var e = Assert.Throws<DataFormatException>(() => CsvReading.Read("id,mail,name\n1,2,3\n", new CsvDialect { Columns = ["id", "name", "mail"] }));
        Assert.Contains("column 2 is \"mail\" where \"name\" is expected", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,b\n1,\"2\n3,4\n", 2, "2")]
    [InlineData("\"a,b\n1,2\n", 1, "1")]
    [InlineData("a,\"b\n\"\n\nc,\"", 4, "2")]
    public void Split_QuoteNeverClosed_SaysWhereItOpens(string text, long line, string column)
    {
        var e = Assert.Throws<DataFormatException>(() => CsvReading.Read(text, Plain));
        Assert.Equal((line, column), (e.Location!.Value.Line, e.Location.Value.Column));
        Assert.Contains("never closed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Split_FewerLinesThanSkipped_GivesNothing()
    {
        foreach (var text in (string[])["it's \"\n", "a\n\"b", "\n\n\n"])
            for (var size = 1; size <= text.Length; size++)
                Assert.Equal("\n-- ", CsvReading.Read(text, Plain with { SkipRows = 3 }, size).Render());
    }

    [Fact]
    public void Decode_ShortRecordsAreCompleted_CarriageReturnsAreNoContent() =>
        Assert.Equal("'a' | ∅ | ∅\n'b' | 'c' | ∅\n'd' | 'e' | 'f'\n-- ",
            CsvReading.Read("a\r\nb,\"c\"\r\nd,e,f\r\n", (Plain with { NullPadding = true }).WithColumns(3)).Render());

    [Fact]
    public void Decode_AnyInputCutAnywhere_EqualsTheReference()
    {
        const int seed = 31337;
        var random = new Random(seed);
        for (var round = 0; round < 1500; round++)
        {
            var dialect = RandomDialect(random);
            var input = RandomInput(random, dialect, maxRecords: random.Next(1, 30));
            var expected = ReferenceCsvReader.Read(input, dialect);
            int[] sizes = [input.Length + 1, 1, random.Next(1, 9), random.Next(2, 70), random.Next(64, 300)];
            foreach (var size in sizes)
            {
                var actual = CsvReading.Read(input, dialect, size);
                // what is no record at all is not even a block
                Assert.True(expected.Render() == actual.Render() && (expected.Lines == actual.Lines || expected is { Rows: [], Rejected: [] }),
                    $"seed {seed}, round {round}, size {size}, {Show(dialect)}\ninput: "
                        + $"{Encoding.UTF8.GetString(input)}\nexpected:\n{expected.Render()}\nfound:\n{actual.Render()}");
            }
        }
    }

    /// <summary>Enough fields that the decoder takes several turns in one block.</summary>
    [Fact]
    public void Decode_LargeInput_EqualsTheReference()
    {
        const int seed = 2718;
        var random = new Random(seed);
        for (var round = 0; round < 12; round++)
        {
            var dialect = RandomDialect(random);
            var input = RandomInput(random, dialect, maxRecords: 12_000);
            var expected = ReferenceCsvReader.Read(input, dialect);
            foreach (var size in (int[])[input.Length + 1, 10_007])
            {
                var actual = CsvReading.Read(input, dialect, size);
                Assert.True(expected.Render() == actual.Render() && expected.Lines == actual.Lines,
                    $"seed {seed}, round {round}, size {size}, {Show(dialect)}");
            }
        }
    }

    private static string Show(CsvDialect dialect) => string.Join(", ",
        dialect.ToDetails().Where(static pair => pair.Key != "columns").Select(static pair => $"{pair.Key} {pair.Value}"));

    private static CsvDialect RandomDialect(Random random)
    {
        byte? quote = random.Next(6) switch { 0 => null, 1 => (byte)'\'', _ => (byte)'"' };
        return new CsvDialect
        {
            Delimiter = (byte)",;\t|"[random.Next(4)],
            Quote = quote,
            Escape = quote is not null && random.Next(4) == 0 ? (byte)'\\' : quote,
            Comment = random.Next(4) == 0 ? (byte)'#' : null,
            NewLine = random.Next(5) == 0 ? (byte)'\r' : (byte)'\n',
            Header = random.Next(2) == 0,
            SkipRows = random.Next(3) == 0 ? random.Next(4) : 0,
            NullPadding = random.Next(3) == 0,
            NullMarkers = random.Next(4) switch { 0 => [], 1 => ["NULL"], 2 => ["", "NULL", "x"], _ => [""] },
        }.WithColumns(random.Next(1, 6));
    }

    private static byte[] RandomInput(Random random, CsvDialect dialect, int maxRecords)
    {
        var newLine = dialect.NewLine == '\r' ? "\r" : random.Next(2) == 0 ? "\r\n" : "\n";
        var text = new StringBuilder();
        for (var i = 0; i < dialect.SkipRows; i++)
            text.Append(random.Next(2) == 0 ? "it's \"so, " : "").Append(newLine);
        if (dialect.Header)
        {
            for (var n = random.Next(3); n > 0; n--)
                text.Append(dialect.Comment is { } comment && random.Next(2) == 0 ? $"{(char)comment} \"quote" : "").Append(newLine);
            text.AppendJoin((char)dialect.Delimiter, dialect.Columns).Append(newLine);
        }
        // some inputs have no oddities, so that the regular path is taken too
        var odd = random.Next(3) != 0;
        for (var n = random.Next(maxRecords + 1); n > 0; n--)
        {
            if (odd && random.Next(10) == 0)
                text.Append(dialect.Comment is { } comment && random.Next(2) == 0 ? $"{(char)comment} it's \"{(char)dialect.Delimiter}" : "");
            else
            {
                var fields = odd && random.Next(8) == 0 ? random.Next(1, 8) : dialect.Columns.Length;
                for (var i = 0; i < fields; i++)
                {
                    if (i > 0)
                        text.Append((char)dialect.Delimiter);
                    AppendField(random, text, dialect, odd);
                }
            }
            if (n > 1 || random.Next(2) == 0)
                text.Append(newLine);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void AppendField(Random random, StringBuilder text, CsvDialect dialect, bool odd)
    {
        string[] pieces = ["a", "bc", "NULL", "x", "é", "漢字", " ", "1", new string('v', random.Next(1, 80))];
        if (dialect.Quote is not { } quote || random.Next(2) == 0)
        {
            for (var n = random.Next(3); n > 0; n--)
                text.Append(pieces[random.Next(pieces.Length)]);
            if (odd && random.Next(8) == 0)
                text.Append("k\"'\\".AsSpan(0, random.Next(1, 5)));
            return;
        }
        string[] special = [$"{(char)dialect.Delimiter}", "\n", "\r\n", "\r", "#", $"{(char)(dialect.Escape ?? quote)}{(char)quote}"];
        text.Append((char)quote);
        for (var n = random.Next(5); n > 0; n--)
            text.Append(random.Next(2) == 0 ? pieces[random.Next(pieces.Length)] : special[random.Next(special.Length)]);
        text.Append((char)quote);
        if (odd && random.Next(25) == 0)
            text.Append("behind");
    }
}
