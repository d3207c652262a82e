using System.Diagnostics;
using System.Text;
using Nebula.Cli.Tests;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Integration.Tests.ObjectStores;

/// <summary>The program, from and to object stores: formats, folders, messages, and runs that die or meet.</summary>
[Collection(StoreTests.Name)]
public sealed class StorePipelineTests(StoreServers servers) : IDisposable
{
    private readonly NebulaProcess _nebula = new();

    public void Dispose() => _nebula.Dispose();

    [StoreTheory]
    [InlineData("azure", "csv")]
    [InlineData("azure", "csv.gz")]
    [InlineData("azure", "jsonl")]
    [InlineData("azure", "parquet")]
    [InlineData("s3", "csv")]
    [InlineData("s3", "csv.gz")]
    [InlineData("s3", "jsonl")]
    [InlineData("s3", "parquet")]
    public async Task Pipeline_ToTheStoreAndBack_GivesTheRows(string name, string format)
    {
        var world = await OpenAsync(name);
        _nebula.Write("in.csv", Rows(50_000));
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url($"a/out.{format}")));
        Assert.Equal([$"a/out.{format}"], await world.KeysAsync());
        Succeed(_nebula.Run("pipeline", world.Url($"a/*.{format}"), "back.csv"));
        Assert.Equal(_nebula.Read("in.csv"), _nebula.Read("back.csv"));
        // over the old one, and from store to store
        Succeed(_nebula.Run("pipeline", world.Url($"a/out.{format}"), world.Url($"a/out.{format}")));
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Pipeline_PartsAndPartitions_ReplaceThoseOfTheRunBefore(string name)
    {
        var world = await OpenAsync(name);
        _nebula.Write("in.csv", "k,v\na,1\nb,2\na,3\n");
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("out/"), "--to", "csv", "--set", "target.partition_by=k"));
        Assert.Equal(["out/k=a/in-00000.csv", "out/k=b/in-00000.csv"], await world.DataAsync());
        _nebula.Write("in.csv", "k,v\nc,4\n");
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("out/"), "--to", "csv", "--set", "target.partition_by=k"));
        Assert.Equal(["out/k=c/in-00000.csv"], await world.DataAsync());
        Succeed(_nebula.Run("pipeline", world.Url("out/**/*.csv"), "back.csv"));
        Assert.Equal("v,k\n4,c\n", _nebula.Read("back.csv"));
        _nebula.Write("in.csv", Rows(20_000));
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("sized/o.csv"), "--set", "target.file_size=100KB"));
        Assert.Equal("sized/o-00000.csv", (await world.DataAsync()).First(static key => key.StartsWith("sized/", StringComparison.Ordinal)));
        Succeed(_nebula.Run("pipeline", world.Url("sized/o-*.csv"), "back.csv"));
        Assert.Equal(_nebula.Read("in.csv").Split('\n').Order(StringComparer.Ordinal), _nebula.Read("back.csv").Split('\n').Order(StringComparer.Ordinal));
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Pipeline_TypesContradictedLate_StartsAgain(string name)
    {
        var world = await OpenAsync(name);
        await world.PutAsync("in.csv", Encoding.UTF8.GetBytes(Rows(400_000) + "x,y,z\n"));
        var outcome = Succeed(_nebula.Run("pipeline", world.Url("in.csv"), world.Url("out.parquet")));
        Assert.Contains("400,001", outcome.Errors, StringComparison.Ordinal);
        Assert.Equal(["in.csv", "out.parquet"], await world.KeysAsync());
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Pipeline_UnderAMemoryLimit_HasRoomForWhatIsOnItsWay(string name)
    {
        var world = await OpenAsync(name);
        _nebula.Write("in.csv", Rows(3_000_000));
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("out.csv"), "--memory", "200MB"));
        Succeed(_nebula.Run("pipeline", world.Url("out.csv"), "back.csv", "--memory", "128MB"));
        Assert.True(File.ReadAllBytes(_nebula.PathOf("in.csv")).AsSpan().SequenceEqual(File.ReadAllBytes(_nebula.PathOf("back.csv"))));
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Commands_OnUrls_ShowWhatIsThere(string name)
    {
        var world = await OpenAsync(name);
        _nebula.Write("in.csv", "id,name\n1,x\n2,y\n");
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("in/a.parquet")));
        Assert.Contains("id", Succeed(_nebula.Run("discover", world.Url("in/*.parquet"))).Output, StringComparison.Ordinal);
        Assert.Contains("name", Succeed(_nebula.Run("preview", world.Url("in/a.parquet"))).Output, StringComparison.Ordinal);
        Assert.Contains("a.parquet", Succeed(_nebula.Run("inspect", world.Url("in/a.parquet"))).Output, StringComparison.Ordinal);
        var check = Succeed(_nebula.Run("check", world.Url("in/a.parquet"), world.Url("out/")));
        Assert.Contains("can be written", check.Output + check.Errors, StringComparison.Ordinal);
        Assert.Equal(["in/a.parquet"], await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure", 9)]
    [InlineData("s3", 40)]
    public async Task Killed_HalfWay_LeavesNothingVisibleAndTheNextRunWorks(string name, int megabytes)
    {
        var world = await OpenAsync(name);
        await world.PutAsync("out.csv", "old"u8.ToArray());
        using (var process = _nebula.Start("pipeline", "-", world.Url("out.csv"), "--from", "csv"))
        {
            await FeedAsync(process, megabytes);
            await UntilAsync(async () =>
                (await world.KeysAsync()).Contains(".out.csv.lock.nebula-tmp") && (name == StoreWorld.Azure || await world.UnfinishedAsync() > 0));
            process.Kill();
            await process.WaitForExitAsync();
        }
        Assert.Equal(["out.csv"], await world.DataAsync());
        Assert.Equal("old", Encoding.UTF8.GetString((await world.GetAsync("out.csv"))!));
        _nebula.Write("in.csv", Rows(1_000));
        Succeed(_nebula.Run("pipeline", "in.csv", world.Url("out.csv")));
        Assert.Equal(_nebula.Read("in.csv"), Encoding.UTF8.GetString((await world.GetAsync("out.csv"))!));
        Assert.Equal(["out.csv"], await world.KeysAsync());
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure", "out.csv")]
    [InlineData("azure", "out/part-{part}.csv")]
    [InlineData("s3", "out.csv")]
    [InlineData("s3", "out/part-{part}.csv")]
    public async Task TwoAtOnce_TheSecondIsRefused(string name, string target)
    {
        var world = await OpenAsync(name);
        using var process = _nebula.Start("pipeline", "-", world.Url(target), "--from", "csv");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await FeedAsync(process, 1);
        await UntilAsync(async () => (await world.KeysAsync()).Any(static key => key.EndsWith(".lock.nebula-tmp", StringComparison.Ordinal)));
        _nebula.Write("in.csv", Rows(10));
        var second = await _nebula.RunAsync(["pipeline", "in.csv", world.Url(target)]);
        Assert.Equal(9, second.ExitCode);
        Assert.Contains("Another run", second.Errors, StringComparison.Ordinal);
        process.StandardInput.Close();
        Succeed(await NebulaProcess.FinishAsync(process, output, errors));
        Assert.Single(await world.DataAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Fails_HalfWay_LeavesNothing(string name)
    {
        var world = await OpenAsync(name);
        _nebula.Write("in.csv", Rows(1_000_000) + "1,2,3,4,5,6\n");
        var outcome = _nebula.Run("pipeline", "in.csv", world.Url("out.csv"));
        Assert.Equal(5, outcome.ExitCode);
        Assert.Empty(await world.KeysAsync());
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure", 3, "Did you mean 'a.csv'?", "in/a.cvs")]
    [InlineData("s3", 3, "Did you mean 'a.csv'?", "in/a.cvs")]
    [InlineData("azure", 3, "No file matches", "in/*.tsv")]
    [InlineData("s3", 3, "No file matches", "in/*.tsv")]
    public async Task Source_NotThere_SaysWhatIs(string name, int code, string message, string key)
    {
        var world = await OpenAsync(name);
        await world.PutAsync("in/a.csv", "id\n1\n"u8.ToArray());
        var outcome = _nebula.Run("pipeline", world.Url(key), "out.csv");
        Assert.Equal(code, outcome.ExitCode);
        Assert.Contains(message, outcome.ErrorLines, StringComparison.Ordinal);
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Access_Refused_SaysWhyAndShowsNoSecret(string name)
    {
        var world = await OpenAsync(name);
        const string Secret = "bm90LXRoZS1yaWdodC1rZXk=";
        string[] wrong = name == StoreWorld.Azure
            ? ["--set", $"source.endpoint={world.Address}{AzureWorld.Account}", "--set", "source.account=nebulatest", "--set", $"source.account_key={Secret}"]
            : ["--set", $"source.secret_access_key={Secret}", "--set", $"source.access_key_id={S3World.KeyId}"];
        var outcome = _nebula.Run(["pipeline", world.Url("in/a.csv"), "out.csv", .. wrong]);
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("refused", outcome.ErrorLines, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, outcome.Errors, StringComparison.Ordinal);

        var missing = world.Root[..5] + "missing-container/in/*.csv";
        outcome = _nebula.Run("pipeline", missing, "out.csv");
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains(name == StoreWorld.Azure ? "no container 'missing-container'" : "no bucket 'missing-container'", outcome.ErrorLines,
            StringComparison.Ordinal);
        _nebula.Write("in.csv", "id\n1\n");
        outcome = _nebula.Run("pipeline", "in.csv", missing.Replace("*", "out", StringComparison.Ordinal));
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("'missing-container'", outcome.ErrorLines, StringComparison.Ordinal);
    }

    private async Task<StoreWorld> OpenAsync(string name)
    {
        var world = await servers.WorldAsync(name);
        foreach (var (variable, value) in world.Variables)
            _nebula.Variables[variable] = value;
        return world;
    }

    private static string Rows(int count)
    {
        var rows = new StringBuilder("id,name,amount\n");
        for (var i = 0; i < count; i++)
            rows.Append(i).Append(",name ").Append(i % 97).Append(',').Append(i % 1000).Append(".25\n");
        return rows.ToString();
    }

    private static Outcome Succeed(Outcome outcome)
    {
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        return outcome;
    }

    private static async Task FeedAsync(Process process, int megabytes)
    {
        var rows = Encoding.UTF8.GetBytes(Rows(30_000));
        var fed = 0;
        await process.StandardInput.BaseStream.WriteAsync(rows);
        for (fed += rows.Length; fed < megabytes << 20; fed += rows.Length)
            await process.StandardInput.BaseStream.WriteAsync(rows.AsMemory("id,name,amount\n".Length));
        await process.StandardInput.BaseStream.FlushAsync();
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waiting = Stopwatch.StartNew();
        while (!await condition())
        {
            if (waiting.Elapsed > TimeSpan.FromSeconds(60))
                throw new TimeoutException("Nothing to be seen.");
            await Task.Delay(50);
        }
    }
}
