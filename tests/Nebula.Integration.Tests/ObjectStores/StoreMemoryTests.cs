using System.Text;
using Nebula.Cli.Tests;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Integration.Tests.ObjectStores;

/// <summary>The real program under a memory limit, with objects as source and destination: the most that it ever held, as the system counts it.</summary>
[Collection(StoreTests.Name)]
public sealed class StoreMemoryTests(StoreServers servers) : IDisposable
{
    private const int MB = 1_000_000;
    private const string Limit = "128MB";
    private readonly NebulaProcess _nebula = new();

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Memory_ObjectsLargerThanTheLimit_StaysBelow(string name)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var world = await servers.WorldAsync(name);
        foreach (var (variable, value) in world.Variables)
            _nebula.Variables[variable] = value;
        var row = Encoding.UTF8.GetBytes("1234567,William Baker,\"a \"\"quoted\"\"\nnote, and more of it\",2024-02-29 12:34:56,81.06,true\n");
        const int RowsOfBlock = 4096;
        var block = new byte[row.Length * RowsOfBlock];
        for (var i = 0; i < RowsOfBlock; i++)
            row.CopyTo(block, i * row.Length);
        var blocks = 80 * MB / block.Length;
        var rows = (long)RowsOfBlock * blocks;

        var written = await _nebula.MeasureAsync(async input =>
        {
            await input.WriteAsync("id,name,note,at,score,active\n"u8.ToArray());
            for (var i = 0; i < blocks; i++)
                await input.WriteAsync(block);
        }, "pipeline", "csv", "csv", "--source-path", "-", "--dest-path", world.Url("in.csv"), "--memory", Limit);
        Check(written, rows, "written");
        Check(await _nebula.MeasureAsync(null, "pipeline", world.Url("in.csv"), world.Url("out.jsonl"), "--memory", Limit), rows, "read and written");
        Check(await _nebula.MeasureAsync(null, "pipeline", world.Url("in.csv"), world.Url("out.parquet"), "--memory", Limit), rows, "written as Parquet");
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Memory_TooLittleForAStore_IsRefusedAndSaysTheLeast(string name)
    {
        var world = await servers.WorldAsync(name);
        foreach (var (variable, value) in world.Variables)
            _nebula.Variables[variable] = value;
        _nebula.Write("in.csv", "id\n1\n");
        var refused = await _nebula.RunAsync(["pipeline", "in.csv", world.Url("out.csv"), "--memory", "96MB"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("too few for objects of a store", refused.Errors, StringComparison.Ordinal);
        Assert.Empty(await world.KeysAsync());
    }

    public void Dispose() => _nebula.Dispose();

    private static void Check((long Peak, long Read) run, long rows, string what)
    {
        Assert.Equal(rows, run.Read);
        Assert.True(run.Peak is > 0 and < 128 * MB, $"{what}: {run.Peak / MB} MB");
    }
}
