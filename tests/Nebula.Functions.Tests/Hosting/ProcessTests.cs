using System.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Hosting;

/// <summary>How the handler's process begins and ends.</summary>
public sealed class ProcessTests
{
    [Theory]
    [InlineData("FUNCTIONS_CUSTOMHANDLER_PORT", "", "func start")]
    [InlineData("FUNCTIONS_WORKER_RUNTIME", "dotnet-isolated", "must be 'custom'")]
    [InlineData("NEBULA_STATE", "ftp://somewhere/state", "NEBULA_STATE")]
    public async Task Start_ThatCannotWork_EndsAsAnErrorAndSaysWhy(string setting, string value, string reason)
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { typeof(ProcessTests).Assembly.Location, "handler", folder.Path, "real" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["FUNCTIONS_CUSTOMHANDLER_PORT"] = HandlerProcess.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["FUNCTIONS_APP_ROOT_PATH"] = folder.Path;
        start.Environment[setting] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(FunctionsApp.Broken, process.ExitCode);
        Assert.Contains(reason, await output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_ThatAreNoCalls_AreAnsweredAsTheHostExpects()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var handler = new HandlerProcess(app.Folder, new Dictionary<string, string>());
        using var ready = await handler.GetAsync("/");
        Assert.Equal((200, "{}"), ((int)ready.StatusCode, await ready.Content.ReadAsStringAsync()));
        foreach (var (function, body, status) in ((string, string, int)[])[
            ("None", "{}", 404), ("StartRun", "{", 400), ("TransferChunk", "{}", 400), ("TransferChunk", "[]", 400),
            ("SyncRun", "[]", 200), ("syncrun", "{}", 200), ("SyncRun", """{"Data":{"context":"no base64!"}}""", 200),
            ("SyncRun", """{"Data":{"context":"\"AAAA\""}}""", 200),
            ("SyncRun", """{"Data":{"context":"{\"history\":[]}"}}""", 200)])
        {
            using var request = new HttpRequestMessage { Content = new StringContent(body, null, "application/json") };
            using var response = await handler.SendAsync(function, request);
            Assert.True((int)response.StatusCode == status, $"{function} {body}: {(int)response.StatusCode}");
            Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
            // an orchestrator's answer without a value would fail as one that cannot be read
            Assert.Equal(status == 200, (await response.Content.ReadAsStringAsync()).Contains("\"ReturnValue\":\"", StringComparison.Ordinal));
        }
        for (var begin = DateTime.UtcNow; !handler.Output.Any(static line =>
            line.Contains("FUNCTIONS_WORKER_RUNTIME", StringComparison.Ordinal)); await Task.Delay(20))
            Assert.True(DateTime.UtcNow - begin < TimeSpan.FromSeconds(30), "the log has no word of it");
        Assert.Empty(handler.Errors);
    }

    [Fact]
    public async Task Turn_LargerThanThirtyMegabytes_IsAnswered()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var handler = new HandlerProcess(app.Folder, new Dictionary<string, string>());
        // the instance's id, and 32 MB of something that is newer than the handler: field 50
        var turn = new byte[32 << 20];
        byte[] head = [0x0a, 1, (byte)'i', 0x92, 0x03];
        head.CopyTo(turn, 0);
        const int SizeOfLength = 4;
        var length = turn.Length - head.Length - SizeOfLength;
        for (var i = 0; i < SizeOfLength; i++)
            turn[head.Length + i] = (byte)((length >> (7 * i) & 0x7f) | (i < SizeOfLength - 1 ? 0x80 : 0));
        using var request = new HttpRequestMessage
        {
            Content = new StringContent("{\"Data\":{\"context\":\"\\\"" + Convert.ToBase64String(turn) + "\\\"\"}}", null, "application/json"),
        };
        using var response = await handler.SendAsync("SyncRun", request);
        Assert.Equal(200, (int)response.StatusCode);
        // nothing of it is a start: the history is asked for again
        var answer = System.Text.Json.Nodes.JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal([0x0a, 1, (byte)'i', 0x38, 1], Convert.FromBase64String((string)answer["ReturnValue"]!));
    }
}
