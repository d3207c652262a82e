using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Tests.Files;

public sealed class CsvEncodingTests
{
    private const string Text = "name,city\nJosé,Zürich\n€‚Š,ÿ\n";

    public static TheoryData<string, string?, bool> Encodings => new()
    {
        { "utf-8", null, false },
        { "utf-8", null, true },
        { "utf-8", "utf-8", true },
        { "utf-16le", null, true },
        { "utf-16be", null, true },
        { "utf-16le", "utf-16", true },
        { "utf-16be", "utf-16", true },
        { "utf-16le", "utf-16", false },
        { "utf-16le", "utf-16le", false },
        { "utf-16be", "utf-16be", false },
        { "windows-1252", "windows-1252", false },
        { "windows-1252", "CP1252", false },
    };

    [Theory, MemberData(nameof(Encodings))]
    public async Task Read_Encoding_GivesTheText(string written, string? option, bool mark)
    {
        // every portion size, so that characters are cut wherever they can be
        for (var portion = 1; portion <= 7; portion++)
        {
            var run = CsvRun.Of(Encode(Text, written, mark), option is null ? [] : [("encoding", option)]);
            run.Store.Portion = portion;
            Assert.Equal(["José|Zürich", "€‚Š|ÿ"], await run.RowsAsync());
        }
    }

    [Fact]
    public async Task Read_Latin1_GivesTheText() => Assert.Equal(
        ["José|Zürich"],
        await CsvRun.Of(Encoding.Latin1.GetBytes("name,city\nJosé,Zürich\n"), ("encoding", "latin-1")).RowsAsync());

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16le")]
    [InlineData("utf-16be")]
    public async Task Read_LongText_CharactersAcrossBlocksAreWhole(string encoding)
    {
        var text = new StringBuilder("id,text\n");
        for (var i = 0; i < 30_000; i++)
            text.Append(i).Append(",漢字").Append('é', i % 5).Append("😀\n");
        var run = CsvRun.Of(Encode(text.ToString(), encoding, mark: true));
        run.Store.Portion = 65_521;
        var rows = await run.RowsAsync();
        Assert.Equal(30_000, rows.Count);
        for (var i = 0; i < rows.Count; i++)
            Assert.Equal($"{i}|漢字{new string('é', i % 5)}😀", rows[i]);
    }

    [Fact]
    public async Task Read_InvalidUtf8_IsRefusedWithItsLineAndTheRemedy()
    {
        var e = await Assert.ThrowsAsync<DataFormatException>(
            () => CsvRun.Of(Encoding.Latin1.GetBytes(Text.Replace("€‚Š", "ok", StringComparison.Ordinal))).RunAsync());
        Assert.Equal(2, e.Location!.Value.Line);
        Assert.Contains("byte 0xE9 at position 4. Set the file's encoding", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFE, (byte)'a', 0, (byte)'\n', 0, 0x00, 0xD8, (byte)'b', 0 }, "the bytes 00D8 are no character of it. Set 'encoding'.")]
    [InlineData(new byte[] { 0xFF, 0xFE, (byte)'a', 0, (byte)'\n', 0, (byte)'b' }, "the byte 62 is no character of it. Set 'encoding'.")]
    public async Task Read_InvalidUtf16_IsRefused(byte[] bytes, string fault)
    {
        var e = await Assert.ThrowsAsync<DataFormatException>(() => CsvRun.Of(bytes).RunAsync());
        Assert.Contains(fault, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_UnknownEncoding_IsRefused()
    {
        var e = await Assert.ThrowsAsync<NebulaException>(() => CsvRun.Of(Text, ("encoding", "ebcdic")).RunAsync());
        Assert.Equal(ErrorKind.Configuration, e.Kind);
    }

    private static byte[] Encode(string text, string name, bool mark)
    {
        Encoding encoding = name switch
        {
            "utf-8" => new UTF8Encoding(true),
            "utf-16le" => new UnicodeEncoding(false, true),
            "utf-16be" => new UnicodeEncoding(true, true),
            _ => Engine.Formats.Csv.Windows1252Encoding.Instance,
        };
        return [.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes(text)];
    }
}
