using System.Diagnostics;
using System.Globalization;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Delivery.Tests;

/// <summary>
/// A process is killed at every named step of a run, then another one goes on: every row of the source is at the destination, once, and nothing else is.
/// <c>NEBULA_CRASH_SEEDS</c> says how many occurrences of each step are tried, 1 when not set; the seed is in the message of a failure.
/// </summary>
[Collection(StoreTests.Name)]
public sealed class CrashMatrixTests(StoreServers servers)
{
    private const int LeastSteps = 25;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public Task OneLocalFile() => RunMatrixAsync("{ type: json, path: out.jsonl }", new LocalWorld("out.jsonl"), seed: 11);

    [Fact]
    public Task LocalParts() => RunMatrixAsync("{ type: csv, path: out/, file_size: 8KB, compression: gzip }", new LocalWorld("out"), seed: 12);

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task OneObject(string store)
    {
        var world = await servers.WorldAsync(store);
        await RunMatrixAsync($"{{ type: json, path: \"{world.Url("KEY/out.jsonl")}\" }}", new RemoteWorld(world), seed: 13);
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Parts(string store)
    {
        var world = await servers.WorldAsync(store);
        await RunMatrixAsync($"{{ type: csv, path: \"{world.Url("KEY/out/")}\", file_size: 8KB }}", new RemoteWorld(world), seed: 14);
    }

    private static async Task RunMatrixAsync(string target, Destination destination, int seed)
    {
        foreach (var (name, value) in destination.Variables)
            Environment.SetEnvironmentVariable(name, value);
        var steps = new Steps();
        using (var folder = Folder.Create(target, destination))
        {
            await FinishAsync(folder, steps);
            await destination.CheckAsync(folder, "without interruption");
        }
        Assert.True(steps.Reached.Count >= LeastSteps, $"only {steps.Reached.Count} steps: {string.Join(", ", steps.Reached.Keys)}");
        var seeds = int.TryParse(Environment.GetEnvironmentVariable("NEBULA_CRASH_SEEDS"), CultureInfo.InvariantCulture, out var wanted) ? wanted : 1;
        var random = new Random(seed);
        var cases = (from step in steps.Reached.OrderBy(static step => step.Key, StringComparer.Ordinal)
                     from i in Enumerable.Range(0, seeds)
                     select (Step: step.Key, Occurrence: random.Next(1, step.Value + 1))).Distinct().ToList();
        var killed = 0;
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (one, _) =>
        {
            // with two chunks at a time, a step may be reached less often than before: then it is an earlier time
            for (var occurrence = one.Occurrence; occurrence > 0; occurrence /= 2)
            {
                using var folder = Folder.Create(target, destination);
                var isKilled = await KillAsync(folder, one.Step, occurrence);
                await FinishAsync(folder, new Steps());
                await destination.CheckAsync(folder, $"killed at '{one.Step}' number {occurrence}, seed {seed}");
                if (!isKilled)
                    continue;
                Interlocked.Increment(ref killed);
                break;
            }
        });
        Assert.Equal(0, await destination.UnfinishedAsync());
        // what only a conflict brings about may not come at all
        Assert.InRange(killed, cases.Count * 8 / 10, cases.Count);
    }

    private static async Task<bool> KillAsync(Folder folder, string step, int occurrence)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Nebula.Delivery.Tests.exe" : "Nebula.Delivery.Tests"),
            [folder.Path, step, occurrence.ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder.Path })!;
        var errors = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(deadline.Token);
        Assert.True(process.ExitCode is Program.NotReached or 137, $"'{step}' number {occurrence}: exit code {process.ExitCode}: {await errors}");
        return process.ExitCode != Program.NotReached;
    }

    private static async Task FinishAsync(Folder folder, Steps steps)
    {
        var result = await SteppedRun.RunAsync(folder.Path, steps);
        Assert.True(result is { Failed: 0, Cancelled: 0 }, string.Join("; ", result.Failures.Select(static failure => failure.Failure)));
    }
}
