using System.Diagnostics;
using System.Globalization;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests;
using Xunit.Abstractions;

namespace Nebula.Functions.Tests;

/// <summary>
/// Measures, and tests nothing: a CSV file in chunks through one, two and four handlers of one thread each, behind the host of the tests. Runs when
/// <c>NEBULA_MEASURE_CSV</c> names the file; the figures of docs/architecture/scale.md are from here.
/// </summary>
public sealed class ScaleMeasurement(ITestOutputHelper output)
{
    private const int Repetitions = 3;

    [Fact]
    public async Task OneTwoFourHandlers()
    {
        if (Environment.GetEnvironmentVariable("NEBULA_MEASURE_CSV") is not { Length: > 0 } file || !DurableExtension.IsInstalled)
            return;
        foreach (var handlers in (int[])[1, 2, 4])
        {
            var seconds = new List<double>();
            var chunks = 0;
            for (var i = 0; i < Repetitions; i++)
            {
                using var folder = new TemporaryFolder();
                Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
                await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "scale.yaml"), $$"""
                    source: { type: csv, path: "{{file}}" }
                    target: { type: parquet, path: "{{folder.Path}}/out/", file_size: 1GB }
                    defaults: { chunking: { target_size: 16MB }, performance: { workers: 1 } }
                    """);
                await using var host = await FunctionsHost.StartAsync(folder.Path, handlers, new Dictionary<string, string>
                {
                    ["NEBULA_ACTIVITIES"] = "1",
                    ["DOTNET_PROCESSOR_COUNT"] = "1",
                });
                var start = Stopwatch.GetTimestamp();
                var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"scale"}""");
                await host.EndOfAsync((string)started.Json["id"]!);
                seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                chunks = host.Calls.Count(static call => call.Function == "TransferChunk");
            }
            seconds.Sort();
            var all = string.Join(", ", seconds.Select(static s => s.ToString("0.00", CultureInfo.InvariantCulture)));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{handlers} handlers: {chunks} chunks, median {seconds[Repetitions / 2]:0.00} s of {all}"));
        }
    }
}
