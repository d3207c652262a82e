using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Delivery.Tests;

/// <summary>
/// A process is killed at every named step of a run, then another one goes on: every row of the source is at the destination, once, and nothing else is.
/// <c>NEBULA_CRASH_SEEDS</c> says how many occurrences of each step are tried, 1 when not set; the seed is in the message of a failure.
/// </summary>
[Collection(StoreTests.Name)]
public sealed class CrashMatrixTests(StoreServers servers)
{
    private const int Rows = 3_000;
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

    /// <summary>Where rows go, and what a reader finds there.</summary>
    private abstract class Destination
    {
        public virtual IEnumerable<(string Name, string Value)> Variables => [];

        /// <summary>What a reader sees: the content of each file.</summary>
        protected abstract Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder);

        /// <summary>What is left that nobody needs.</summary>
        protected abstract Task<IReadOnlyList<string>> LeftoversAsync(Folder folder);

        public async Task CheckAsync(Folder folder, string when)
        {
            var ids = (await ReadAsync(folder)).SelectMany(Ids).Order().ToList();
            Assert.True(Enumerable.Range(0, Rows).SequenceEqual(ids), $"{when}: {ids.Count} rows, {ids.Distinct().Count()} different, of {Rows}");
            Assert.True(await LeftoversAsync(folder) is [], $"{when}: {string.Join(", ", await LeftoversAsync(folder))} is left");
        }

        private static IEnumerable<int> Ids(byte[] content)
        {
            Stream stream = new MemoryStream(content);
            if (content is [0x1F, 0x8B, ..])
                stream = new GZipStream(stream, CompressionMode.Decompress);
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
                if (line.StartsWith("{\"id\":", StringComparison.Ordinal))
                    yield return int.Parse(line.AsSpan(6, line.IndexOf(',', StringComparison.Ordinal) - 6), CultureInfo.InvariantCulture);
                else if (line != "id,text")
                    yield return int.Parse(line.AsSpan(0, line.IndexOf(',', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
        }
    }

    private sealed class LocalWorld(string target) : Destination
    {
        protected override Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder)
        {
            var path = Path.Combine(folder.Path, target);
            return Task.FromResult<IReadOnlyList<byte[]>>(File.Exists(path) ? [File.ReadAllBytes(path)]
                : [.. Directory.EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true }).Select(File.ReadAllBytes)]);
        }

        protected override Task<IReadOnlyList<string>> LeftoversAsync(Folder folder) => Task.FromResult<IReadOnlyList<string>>(
            [.. Directory.EnumerateFiles(folder.Path, "*.nebula-tmp", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })]);
    }

    private sealed class RemoteWorld(StoreWorld world) : Destination
    {
        public override IEnumerable<(string Name, string Value)> Variables => world.Variables;

        protected override async Task<IReadOnlyList<byte[]>> ReadAsync(Folder folder)
        {
            var files = new List<byte[]>();
            foreach (var key in await world.DataAsync())
                if (key.StartsWith(folder.Key + "/", StringComparison.Ordinal))
                    files.Add((await world.GetAsync(key))!);
            return files;
        }

        protected override async Task<IReadOnlyList<string>> LeftoversAsync(Folder folder) =>
            [.. (await world.KeysAsync())
                .Where(key => key.StartsWith(folder.Key + "/", StringComparison.Ordinal)
                    && key.EndsWith(".nebula-tmp", StringComparison.Ordinal))];
    }

    private sealed record Folder(string Path, string Key) : IDisposable
    {
        public static Folder Create(string target, Destination destination)
        {
            var path = Directory.CreateTempSubdirectory("nebula-delivery-").FullName;
            var key = System.IO.Path.GetFileName(path);
            using (var writer = new StreamWriter(System.IO.Path.Combine(path, "in.csv")))
            {
                writer.Write("id,text\n");
                for (var i = 0; i < Rows; i++)
                    writer.Write(string.Create(CultureInfo.InvariantCulture, $"{i},\"row {i}\"\n"));
            }
            target = target.Replace("KEY", key, StringComparison.Ordinal);
            if (destination is LocalWorld)
                target = target.Replace("path: ", $"path: {path}/", StringComparison.Ordinal);
            File.WriteAllText(System.IO.Path.Combine(path, SteppedRun.PipelineFile), $$"""
                version: 1
                name: delivery
                source: { type: csv, path: {{path}}/in.csv }
                target: {{target}}
                defaults: { chunking: { target_size: 6KB } }
                """);
            return new Folder(path, key);
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
