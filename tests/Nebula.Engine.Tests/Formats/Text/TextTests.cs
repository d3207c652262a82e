using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Tests.Formats.Text;

public sealed unsafe class TextTests
{
    [Fact]
    public void Uuid_AnyValue_AgreesWithGuid()
    {
        const int seed = 41;
        var random = new Random(seed);
        var bytes = new byte[16];
        for (var round = 0; round < 2_000; round++)
        {
            random.NextBytes(bytes);
            var expected = new Guid(bytes, bigEndian: true).ToString();
            fixed (byte* value = bytes)
            {
                var source = value;
                Assert.Equal(expected, PaddedText.Format(p => UuidText.Write(p, source)));
            }
            Assert.Equal(Convert.ToHexString(bytes), Uuid(expected));
            Assert.Equal(Convert.ToHexString(bytes), Uuid(expected.ToUpperInvariant()));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("{0000000-0000-0000-0000-00000000000}")]
    [InlineData("00000000-0000-0000-0000-00000000000g")]
    [InlineData("00000000-0000-0000-0000_000000000000")]
    [InlineData("0000000-00000-0000-0000-000000000000")]
    [InlineData("00000000-0000-0000-0000-00000000000 ")]
    public void Uuid_AnythingElse_IsRefused(string text) => Assert.Null(Uuid(text));

    [Theory]
    [InlineData]
    [InlineData("")]
    [InlineData("a", "b")]
    [InlineData("a\u001fb", "\\", "\\u", "\u001f", "")]
    public void TextList_AnyItems_AreReadBack(params string[] items) => Assert.Equal(items, TextList.Parse(TextList.Render(items)));

    /// <summary>The index "windows-1252" of the WHATWG Encoding Standard: where it differs from Latin-1.</summary>
    [Fact]
    public void Windows1252_EveryByte_IsTheCharacterOfTheStandard()
    {
        const string high = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
        var bytes = Enumerable.Range(0, 256).Select(static b => (byte)b).ToArray();
        var text = Windows1252Encoding.Instance.GetString(bytes);
        for (var b = 0; b < 256; b++)
            Assert.Equal(b is >= 0x80 and < 0xA0 ? high[b - 0x80] : (char)b, text[b]);
        Assert.Equal(bytes, Windows1252Encoding.Instance.GetBytes(text));
        Assert.Equal("?"u8.ToArray(), Windows1252Encoding.Instance.GetBytes("漢"));
    }

    [Fact]
    public void Dialect_Details_AreReadBack()
    {
        var dialect = new CsvDialect
        {
            Delimiter = (byte)'\t',
            Quote = null,
            Escape = (byte)'\\',
            Comment = (byte)'#',
            NewLine = (byte)'\r',
            Header = false,
            SkipRows = 3,
            Encoding = "latin-1",
            NullMarkers = ["", "NULL", "\\N", "none"],
            NullPadding = true,
            Columns = ["a\u001fb", "c,d", "\\"]
        };
        foreach (var one in (CsvDialect[])[dialect, new(), new() { NullMarkers = [], Columns = ["none"] }])
        {
            var back = CsvDialect.FromDetails(one.ToDetails());
            Assert.Equal(one.Columns.AsEnumerable(), back.Columns);
            Assert.Equal(one.NullMarkers.AsEnumerable(), back.NullMarkers);
            Assert.Equal(one, back with { Columns = one.Columns, NullMarkers = one.NullMarkers });
        }
    }

    private static string? Uuid(string text) => PaddedText.Parse(text, static (p, length) =>
    {
        var value = stackalloc byte[16];
        return UuidText.TryParse(p, length, value) ? Convert.ToHexString(new ReadOnlySpan<byte>(value, 16)) : null;
    });
}
