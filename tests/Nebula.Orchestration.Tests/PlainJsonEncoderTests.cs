using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Nebula.Orchestration.Tests;

public sealed class PlainJsonEncoderTests
{
    [Fact]
    public void Text_OfAllCharacters_IsReadBackAsItWas()
    {
        for (var first = 0; first < char.MaxValue; first += 97)
        {
            var text = string.Concat(Enumerable.Range(first, 97).Where(static c => c is < 0xd800 or (> 0xdfff and <= char.MaxValue)).Select(static c =>
                (char)c));
            Assert.Equal(text, JsonDocument.Parse(Write(text, PlainJsonEncoder.Instance)).RootElement.GetString());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("\"quoted\" \\ \b\f\n\r\t\0\u001f<>&'+")]
    [InlineData("naïve 漢字 😀")]
    [InlineData("half \ud83d")]
    [InlineData("\ude00 half")]
    [InlineData("\ud83d\ud83d\ude00")]
    public void Text_IsWrittenAsTheRuntimeDoes(string text) =>
        Assert.Equal(Write(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal),
            Write(text, PlainJsonEncoder.Instance));

    [Fact]
    public void Text_AsUtf8_IsWrittenAsTheRuntimeDoes()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            if (round % 2 == 0)
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] &= 0x5f;
            var expected = Parse(WriteUtf8(bytes, JavaScriptEncoder.UnsafeRelaxedJsonEscaping));
            Assert.True(expected == Parse(WriteUtf8(bytes, PlainJsonEncoder.Instance)),
                string.Create(CultureInfo.InvariantCulture, $"seed {seed}, round {round}"));
        }

        static string Parse(byte[]? json) => json is null ? "refused" : JsonDocument.Parse(json).RootElement.GetString()!;
    }

    private static string Write(string text, JavaScriptEncoder encoder)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = encoder }))
            writer.WriteStringValue(text);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static byte[]? WriteUtf8(byte[] text, JavaScriptEncoder encoder)
    {
        using var bytes = new MemoryStream();
        try
        {
            using var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = encoder });
            writer.WriteStringValue(text);
        }
        catch (ArgumentException)
        {
            return null;
        }
        return bytes.ToArray();
    }
}
