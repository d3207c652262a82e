using System.Text;
using System.Text.Json.Nodes;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;
using Nebula.Functions.Tests.Host;

namespace Nebula.Functions.Tests.Invocation;

/// <summary>Envelopes as the host sends them, and as its documentation shows them.</summary>
public sealed class EnvelopeTests
{
    [Theory]
    [InlineData("""  "\"Tokyo\""  """, "Tokyo")]
    [InlineData("""  "Tokyo"  """, "Tokyo")]
    [InlineData("""  "4"  """, "4")]
    [InlineData("4", "4")]
    [InlineData("""  "true"  """, "true")]
    [InlineData("""  "[1,2]"  """, "[1,2]")]
    [InlineData("""  "null"  """, null)]
    [InlineData("null", null)]
    [InlineData("""  "\"null\""  """, "null")]
    [InlineData("""  "\"0000-11\""  """, "0000-11")]
    [InlineData("""  "800a-11"  """, "800a-11")]
    [InlineData("""  {"a":1}  """, """{"a":1}""")]
    [InlineData("""  "{\"a\":1}"  """, """{"a":1}""")]
    [InlineData("""  "\"{\\\"a\\\":1}\""  """, """{"a":1}""")]
    [InlineData("""  "\"\\\"Tokyo\\\"\""  """, "\"Tokyo\"")]
    [InlineData("""  "\"7\""  """, "7")]
    [InlineData("""  "\"a\" and \"b\""  """, "\"a\" and \"b\"")]
    [InlineData("""  "\"\\u00e9\\ud83d\\ude00\""  """, "é😀")]
    [InlineData("""  "nothing"  """, "nothing")]
    [InlineData("""  "\"unfinished"  """, "\"unfinished")]
    [InlineData("""  ""  """, "")]
    [InlineData("""  "\"\""  """, "")]
    public void Value_InEitherForm_GivesTheTextMeant(string json, string? text)
    {
        var request = InvocationRequest.Read(Encoding.UTF8.GetBytes($$"""{"Data":{"x":{{json}}},"Metadata":{"y":{{json}}},"More":[{"deep":[]}]}"""));
        Assert.Equal(text, request.Get("x").ToText());
        Assert.Equal(text, request.Single.ToText());
        Assert.Equal(text, request.Metadata("y"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"Data":{"a":1}""")]
    [InlineData("""{"Data":{"a":1}} x""")]
    [InlineData("""{"Data":{"a":tru}}""")]
    [InlineData("""{"Data":{"\ud800":1}}""")]
    public void Read_NoEnvelope_FailsWithTheReason(string body) => Assert.Contains(
        "no invocation of a Functions host",
        Assert.Throws<DataFormatException>(() => InvocationRequest.Read(Encoding.UTF8.GetBytes(body))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Read_DeepNesting_IsRefusedAndNotFollowed()
    {
        var deep = string.Concat(new string('[', 100_000), new string(']', 100_000));
        Assert.Throws<DataFormatException>(() => InvocationRequest.Read(Encoding.UTF8.GetBytes("{\"Data\":{\"a\":" + deep + "}}")));
    }

    [Fact]
    public void Read_AnyDamage_IsAnEnvelopeOrAnError()
    {
        var whole =
            """{"Data":{"call":"\"{\\\"pipeline\\\":\\\"shop\\\"}\"","starter":"\"{}\""},"Metadata":{"DequeueCount":"1","Id":"\"é\"","sys":{"UtcNow":"x"}}}"""u8
                .ToArray();
        var random = new Random(4711);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = whole.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                var request = InvocationRequest.Read(damaged.AsMemory(0, random.Next(4) == 0 ? random.Next(damaged.Length) : damaged.Length));
                _ = request.Metadata("Id");
                _ = request.Get("call").ToJson();
            }
            catch (DataFormatException)
            {
                // the only way to fail
            }
        }
    }

    [Fact]
    public void Get_MissingBinding_NamesIt() => Assert.Contains("'call'",
        Assert.Throws<DataFormatException>(() => InvocationRequest.Read("""{"Data":{}}"""u8.ToArray()).Get("call")).Message, StringComparison.Ordinal);

    [Fact]
    public void HttpCall_AsTheHostSendsIt_IsRead()
    {
        var request = InvocationRequest.Read("""
            {"Data":{"call":{"Url":"https://app.test/api/runs/7?x=1&y=2","Method":"POST","Query":{"x":"1","y":"2"},"Headers":{"Content-Type":["application/json"],"X":["a","b"]},
            "Params":{"id":"7"},"Identities":[{"AuthenticationType":"ApiKey"}],"Body":"{\"pipeline\":\"shop\"}"}},"Metadata":{"Headers":{},"id":"\"7\""}}
            """u8.ToArray());
        var call = HttpCall.Read(request.Get("call"));
        Assert.Equal(("/api/runs/7", "1", "7", "application/json", """{"pipeline":"shop"}"""),
            (call.Url.AbsolutePath, call.Query["X"], call.Parameters["ID"], call.Headers["content-type"], call.Body));
    }

    [Theory]
    [InlineData("""{"ok":true,"value":{"position":"2024-05-01T10:00:00.1234567+02:00","number":1.10,"large":12345678901234567890}}""")]
    [InlineData("""{"ok":false,"error":{"message":"row 7: \"no\" <number> é 😀"}}""")]
    public void ReturnValue_ThroughTheHostsLibrary_IsUnchanged(string result)
    {
        var answer = JsonNode.Parse(new InvocationResponse { ReturnValue = result }.ToUtf8().Span)!;
        Assert.Equal(result, (string)HostEnvelope.Rewrite(answer["ReturnValue"])!);
    }

    [Theory]
    [InlineData("\"2024-05-01T10:00:00.1234567+02:00\"", "\"2024-05-01T08:00:00.1234567+00:00\"")]
    [InlineData("""{"when":"2024-05-01T10:00:00.100Z","n":1.10}""", """{"when":"2024-05-01T10:00:00.1Z","n":1.1}""")]
    [InlineData("0.1234567890123456789", "0.12345678901234568")]
    [InlineData("12345678901234567890", "12345678901234567890")]
    public void HostLibrary_UntypedValues_AreRewritten(string sent, string stored) =>
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(stored), HostEnvelope.Rewrite(JsonNode.Parse(sent))),
            HostEnvelope.Rewrite(JsonNode.Parse(sent))!.ToJsonString());

    [Fact]
    public void Done_IsAnObject() => Assert.Equal("{}", Encoding.UTF8.GetString(InvocationResponse.Done.ToUtf8().Span));

    [Fact]
    public void Http_Answer_HasItsBodyAsText()
    {
        var response = new InvocationResponse { Http = new HttpAnswer(202, """{"n":1.10}""", "application/json") { Headers = [new("Location", "https://x")] } };
        Assert.Equal("""{"Outputs":{"res":{"statusCode":202,"headers":{"content-type":"application/json","Location":"https://x"},"body":"{\"n\":1.10}"}}}""",
            Encoding.UTF8.GetString(response.ToUtf8().Span));
    }
}
