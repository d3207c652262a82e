using System.Diagnostics;
using System.Globalization;
using System.Text;
using Nebula.Functions.Hosting;
using Nebula.Functions.Tests.Host;
using Nebula.Integration.Tests.Servers;
using Nebula.Orchestration.Tests;

namespace Nebula.Functions.Tests;

/// <summary>Real files, moved by the app's own worker.</summary>
public sealed class EndToEndTests
{
    private const string Pipeline = """
        source: { type: csv, path: "${FOLDER}/in/*.csv" }
        target: { type: parquet, path: "${FOLDER}/${OUT:-out}" }
        streams:
          "*.csv": { object: "{stream_file_stem}.parquet" }
        """;

    [HostFact]
    public async Task Pipeline_InTheAppAndByTheCommand_WritesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        WriteSource(folder.Path, "orders", 40_000);
        WriteSource(folder.Path, "returns", 500);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), Pipeline);
        await using var host = await FunctionsHost.StartAsync(folder.Path, handlers: 2, new Dictionary<string, string> { ["FOLDER"] = folder.Path });
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop","streams":["orders.csv"]}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        var first = (await host.RequestAsync("GET", $"/api/runs/{(string)started.Json["id"]!}")).Json;
        Assert.True((string)first["status"]! == "completed", $"{first}\n{host.Log()}");
        Assert.Equal(40_000, (int)first["result"]!["rows"]!);
        Assert.False(File.Exists(Path.Combine(folder.Path, "out", "returns.parquet")));

        await CommandAsync(folder.Path, "by-command");
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "by-command", "orders.parquet")),
            await File.ReadAllBytesAsync(Path.Combine(folder.Path, "out", "orders.parquet")));

        // the variables of a run win over the app's
        started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop","env":{"OUT":"elsewhere"}}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "by-command", "returns.parquet")),
            await File.ReadAllBytesAsync(Path.Combine(folder.Path, "elsewhere", "returns.parquet")));
    }

    [OwnRootFact]
    public async Task Pipeline_InAContainersRootAndByTheCommand_WritesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        WriteSource(folder.Path, "orders", 40_000);
        WriteSource(folder.Path, "returns", 500);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), Pipeline);
        var (code, said) = OwnRoot.RunNebula(folder.Path, "run", "/data/pipelines/shop.yaml", "--env", "FOLDER=/data", "--env", "OUT=in-container");
        Assert.True(code == 0, said);
        await CommandAsync(folder.Path, "by-command");
        foreach (var name in (string[])["orders.parquet", "returns.parquet"])
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "by-command", name)),
                await File.ReadAllBytesAsync(Path.Combine(folder.Path, "in-container", name)));
    }

    [HostAndStorageFact]
    public async Task Blob_ThatArrives_IsLoadedAndCommitted()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StoreServer.StartAsync("azurite.mjs", ("AZURITE_ACCOUNTS", $"{AzureWorld.Account}:{AzureWorld.Key}"));
        var world = await AzureWorld.CreateAsync(server.Address, "lake");
        WriteSource(folder.Path, "orders", 20_000);
        WriteSource(folder.Path, "returns", 300);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), Pipeline);
        await CommandAsync(folder.Path, "by-command");
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), """
            source: { type: csv, path: "az://lake/in/*.csv" }
            target: { type: parquet, path: "az://lake/out" }
            streams:
              "*.csv": { object: "{stream_file_stem}.parquet" }
            azure: { triggers: { blob: "lake/in/*.csv" } }
            """);
        var variables = world.Variables.ToDictionary(static variable => variable.Name, static variable => variable.Value);
        variables["NEBULA_STATE"] = "az://lake/state";
        await using var host = await FunctionsHost.StartAsync(folder.Path, handlers: 2, variables);
        foreach (var name in (string[])["orders", "returns"])
        {
            await world.PutAsync($"in/{name}.csv", await File.ReadAllBytesAsync(Path.Combine(folder.Path, "in", name + ".csv")));
            // told twice, as happens
            for (var i = 0; i < 2; i++)
                Assert.Equal(new Delivery(1, false), await host.DeliverAsync(FunctionList.BlobEventQueue, $$"""
                    {"subject":"/blobServices/default/containers/lake/blobs/in/{{name}}.csv","eventType":"Microsoft.Storage.BlobCreated","eventTime":"{{DateTime.UtcNow:s}}Z",
                     "data":{"url":"{{server.Address}}in/{{name}}.csv","eTag":"0x{{name}}"} }
                    """));
            await host.UntilAsync(all => all.Any(
                one => one.Name == "SyncRun" && one.Id.StartsWith($"shop.blob-0x{name}-", StringComparison.Ordinal) && one.IsEnded));
        }
        var runs = (await host.RequestAsync("GET", "/api/runs")).Json["runs"]!.AsArray();
        Assert.Equal(["completed", "completed"], runs.Select(static run => (string)run!["status"]!));
        foreach (var name in (string[])["orders", "returns"])
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "by-command", name + ".parquet")), await world.GetAsync($"out/{name}.parquet"));
        var keys = await world.KeysAsync();
        Assert.Contains("state/slots/shop.json", keys);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "state")));
    }

    [HostTheory]
    [InlineData("{ type: json, path: \"${FOLDER}/${OUT:-out}/orders.jsonl\" }")]
    [InlineData("{ type: csv, path: \"${FOLDER}/${OUT:-out}/\", file_size: 100KB }")]
    public async Task Activities_RunTwice_WriteTheSameBytes(string target)
    {
        using var folder = new TemporaryFolder();
        WriteSource(folder.Path, "orders", 40_000);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), $$"""
            source: { type: csv, path: "${FOLDER}/in/orders.csv" }
            target: {{target}}
            defaults: { chunking: { target_size: 200KB } }
            """);
        await using var host = await FunctionsHost.StartAsync(folder.Path, handlers: 2, new Dictionary<string, string> { ["FOLDER"] = folder.Path });
        host.RunsActivitiesTwice = true;
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        var run = (await host.RequestAsync("GET", $"/api/runs/{(string)started.Json["id"]!}")).Json;
        Assert.True((string)run["status"]! == "completed", $"{run}\n{host.Log()}");
        Assert.Equal(40_000, (int)run["result"]!["rows"]!);
        await CommandAsync(folder.Path, "by-command");
        var names = Files("by-command");
        Assert.Equal(names, Files("out"));
        Assert.All(names, name => Assert.Equal(File.ReadAllBytes(Path.Combine(folder.Path, "by-command", name)),
            File.ReadAllBytes(Path.Combine(folder.Path, "out", name))));

        string[] Files(string name) => [.. Directory.EnumerateFiles(Path.Combine(folder.Path, name), "*", new EnumerationOptions { AttributesToSkip = 0 })
            .Select(path => Path.GetFileName(path)!).Where(static file => !file.EndsWith(".nebula-parts", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    [HostAndStorageFact]
    public async Task Handler_WithSeveralActivitiesAtOnce_StaysWithinItsMemory()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var folder = new TemporaryFolder();
        await using var server = await StoreServer.StartAsync("azurite.mjs", ("AZURITE_ACCOUNTS", $"{AzureWorld.Account}:{AzureWorld.Key}"));
        var world = await AzureWorld.CreateAsync(server.Address, "lake");
        for (var i = 0; i < 4; i++)
            WriteSource(folder.Path, $"orders{i}", 600_000);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), $$"""
            source: { type: csv, path: "{{folder.Path}}/in/*.csv" }
            target: { type: json, path: "az://lake/out" }
            streams:
              "*.csv": { object: "{stream_file_stem}.jsonl" }
            run: { parallel_streams: 4 }
            """);
        var variables = world.Variables.ToDictionary(static variable => variable.Name, static variable => variable.Value);
        variables["NEBULA_MEMORY"] = "256MB";
        variables["NEBULA_ACTIVITIES"] = "4";
        await using var host = await FunctionsHost.StartAsync(folder.Path, variables: variables);
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        var run = (await host.RequestAsync("GET", $"/api/runs/{(string)started.Json["id"]!}")).Json;
        Assert.True((string)run["status"]! == "completed", $"{run}\n{host.Log()}");
        Assert.InRange(host.Handlers[0].PeakMemory, 1, 256_000_000);
    }

    [HostFact]
    public async Task Pipeline_ThatFails_TellsWhy()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "shop.yaml"), Pipeline);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "pipelines", "broken.yaml"), "source: { type: csv }\nschedule: daily\n");
        await using var host = await FunctionsHost.StartAsync(folder.Path, variables: new Dictionary<string, string> { ["FOLDER"] = folder.Path });
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        var run = (await host.RequestAsync("GET", $"/api/runs/{(string)started.Json["id"]!}")).Json;
        Assert.Equal("failed", (string)run["status"]!);
        Assert.Contains("in/*.csv", (string)run["error"]!, StringComparison.Ordinal);
        var broken = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"broken"}""");
        Assert.Equal((400, "application/problem+json"), (broken.Status, broken.Headers["content-type"]));
        Assert.Contains("'target' is missing", (string)broken.Json["detail"]!, StringComparison.Ordinal);
        var health = await host.RequestAsync("GET", "/api/health", key: null);
        Assert.Equal((200, 2, 1), (health.Status, (int)health.Json["pipelines"]!, (int)health.Json["unusablePipelines"]!));
    }

    private static void WriteSource(string folder, string name, int rows)
    {
        Directory.CreateDirectory(Path.Combine(folder, "in"));
        var text = new StringBuilder("id,name,amount\n");
        for (var i = 0; i < rows; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i},{name}-{i * 7919 % 1013},{i * 0.25}\n");
        File.WriteAllText(Path.Combine(folder, "in", name + ".csv"), text.ToString());
    }

    private static async Task CommandAsync(string folder, string target)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "nebula.dll"), "run", Path.Combine(folder, "pipelines", "shop.yaml"),
                "--env", $"OUT={target}", "--env", $"FOLDER={folder}",
            },
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{await output}\n{errors}");
    }
}
