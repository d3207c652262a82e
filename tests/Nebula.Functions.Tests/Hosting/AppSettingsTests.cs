using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;

namespace Nebula.Functions.Tests.Hosting;

public sealed class AppSettingsTests
{
    [Fact]
    public void Read_Nothing_SaysHowToStartIt() =>
        Assert.Contains("func start", Assert.Throws<NebulaException>(() => AppSettings.Read(static _ => null)).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_Everything_IsTaken()
    {
        var settings = Read(("FUNCTIONS_APP_ROOT_PATH", "/app"), ("NEBULA_STATE", "https://shop.blob.core.windows.net/state"), ("NEBULA_PIPELINES", "../p"),
            ("NEBULA_ACTIVITY_TIMEOUT", "2h"), ("NEBULA_ACTIVITIES", "3"), ("NEBULA_PARALLEL_CHUNKS", "64"), ("NEBULA_HISTORY_DAYS", "7"), ("NEBULA_MEMORY", "1280MB"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector"), ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=x"));
        Assert.Equal((7071, "/p", "https://shop.blob.core.windows.net/state", TimeSpan.FromHours(2), 3, 64, 7, 1_280_000_000),
            (settings.Port, settings.Pipelines, settings.State,
                settings.ActivityTimeout, settings.Activities, settings.Sync.ParallelChunks, settings.HistoryDays, settings.Memory));
        Assert.Equal(("http://collector", "InstrumentationKey=x"), (settings.OtlpEndpoint, settings.ApplicationInsights));
    }

    [Theory]
    [InlineData("FUNCTIONS_CUSTOMHANDLER_PORT", "http")]
    [InlineData("FUNCTIONS_CUSTOMHANDLER_PORT", "65536")]
    [InlineData("FUNCTIONS_WORKER_RUNTIME", "dotnet-isolated")]
    [InlineData("NEBULA_ACTIVITY_TIMEOUT", "30")]
    [InlineData("NEBULA_ACTIVITY_TIMEOUT", "0s")]
    [InlineData("NEBULA_ACTIVITIES", "0")]
    [InlineData("NEBULA_PARALLEL_CHUNKS", "many")]
    [InlineData("NEBULA_HISTORY_DAYS", "-1")]
    [InlineData("NEBULA_MEMORY", "1280")]
    [InlineData("NEBULA_MEMORY", "100MB")]
    public void Read_WrongValue_IsNamed(string name, string value)
    {
        var message = Assert.Throws<NebulaException>(() => Read((name, value))).Message;
        Assert.StartsWith(name, message, StringComparison.Ordinal);
        Assert.Contains($"'{value}'", message, StringComparison.Ordinal);
    }

    private static AppSettings Read(params (string Name, string Value)[] variables) => AppSettings.Read(
        name => variables.Append(("FUNCTIONS_CUSTOMHANDLER_PORT", "7071")).FirstOrDefault(variable => variable.Item1 == name).Item2);
}
