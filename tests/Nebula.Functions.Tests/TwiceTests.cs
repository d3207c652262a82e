using System.Text;
using Nebula.Functions.Tests.Host;
using Nebula.Integration.Tests.Servers;
using Nebula.Orchestration.Tests;

namespace Nebula.Functions.Tests;

/// <summary>
/// Every activity by two handlers at once, as when the host believes that one is dead which is only slow: the answer that comes first counts. And any of
/// those that have ended once more and late, beside those that follow, as when its message comes back.
/// </summary>
public sealed class TwiceTests
{
    private static readonly string Source = Orders.Csv(20_000);

    /// <summary>The seed by which activities are chosen that come once more and late; null for every one twice at once.</summary>
    public static TheoryData<int?> Seeds => [null, 1, 2];

    [HostTheory]
    [MemberData(nameof(Seeds))]
    public async Task Activities_TwiceOnFiles_DeliverEveryRowOnce(int? seed)
    {
        using var folder = new TemporaryFolder();
        await RunAsync(folder.Path, folder.Path, [], seed);
        Assert.Equal(Source, await File.ReadAllTextAsync(Path.Combine(folder.Path, "one", "orders.csv")));
        Assert.Equal(Source, Orders.Join(Directory.GetFiles(Path.Combine(folder.Path, "parts"), "*.csv").Order(StringComparer.Ordinal).Select(File.ReadAllText)));
    }

    [HostAndStorageTheory]
    [MemberData(nameof(Seeds))]
    public async Task Activities_TwiceOnBlobs_DeliverEveryRowOnce(int? seed)
    {
        await using var server = await StoreServer.StartAsync("azurite.mjs", ("AZURITE_ACCOUNTS", $"{AzureWorld.Account}:{AzureWorld.Key}"));
        await CheckAsync(await AzureWorld.CreateAsync(server.Address, "lake"), seed, ("NEBULA_STATE", "az://lake/state"));
    }

    [HostAndStorageTheory]
    [MemberData(nameof(Seeds))]
    public async Task Activities_TwiceOnS3_DeliverEveryRowOnce(int? seed)
    {
        await using var server = await StoreServer.StartAsync("s3.mjs");
        await CheckAsync(await S3World.CreateAsync(server.Address, "lake"), seed);
    }

    private static async Task CheckAsync(StoreWorld world, int? seed, params (string Name, string Value)[] more)
    {
        using var folder = new TemporaryFolder();
        await RunAsync(folder.Path, world.Root, world.Variables.Concat(more).ToDictionary(static variable => variable.Name, static variable => variable.Value), seed);
        Assert.Equal(Source, Encoding.UTF8.GetString((await world.GetAsync("one/orders.csv"))!));
        var parts = new List<string>();
        foreach (var key in (await world.KeysAsync()).Where(static key => key.StartsWith("parts/", StringComparison.Ordinal)
            && key.EndsWith(".csv", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            parts.Add(Encoding.UTF8.GetString((await world.GetAsync(key))!));
        Assert.Equal(Source, Orders.Join(parts));
    }

    /// <summary>Moves the file to one file, and to parts.</summary>
    private static async Task RunAsync(string folder, string root, Dictionary<string, string> variables, int? seed)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "orders.csv"), Source);
        Directory.CreateDirectory(Path.Combine(folder, "pipelines"));
        foreach (var (name, target) in ((string, string)[])[("one", "one/orders.csv\""), ("parts", "parts/\", file_size: 100KB")])
            await File.WriteAllTextAsync(Path.Combine(folder, "pipelines", name + ".yaml"), $$"""
                source: { type: csv, path: "{{folder}}/orders.csv" }
                target: { type: csv, path: "{{root}}/{{target}} }
                defaults: { chunking: { target_size: 100KB } }
                """);
        await using var host = await FunctionsHost.StartAsync(folder, handlers: 2, variables);
        host.RunsActivitiesAtOnce = seed is null;
        foreach (var pipeline in (string[])["one", "parts"])
        {
            if (seed is not null)
            {
                var (random, before) = (new Random(seed.Value), host.Ended);
                host.RepeatsLate = ended => ended.Count == before ? null : ended[random.Next(before, ended.Count)];
            }
            var id = (string)(await host.RequestAsync("POST", "/api/runs", $$"""{"pipeline":"{{pipeline}}"}""")).Json["id"]!;
            await host.EndOfAsync(id);
            var run = (await host.RequestAsync("GET", $"/api/runs/{id}")).Json;
            Assert.True((string)run["status"]! == "completed" && (int)run["result"]!["rows"]! == 20_000, $"{run}\n{host.Log()}");
        }
    }
}
