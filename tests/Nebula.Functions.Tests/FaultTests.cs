using Nebula.Functions.Tests.Host;
using Nebula.Orchestration;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests.Replay;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests;

/// <summary>
/// Real runs while what the extension and the handlers tell each other is lost, repeated, late, in another order, or unknown: every row is there once, or
/// the run fails and nothing is.
/// </summary>
public sealed class FaultTests(FaultyHost host) : IClassFixture<FaultyHost>
{
    [HostTheory]
    [InlineData(1, "lost")]
    [InlineData(2, "duplicate")]
    [InlineData(3, "reorder")]
    [InlineData(4, "delay")]
    [InlineData(5, "split")]
    [InlineData(6, "checkpoint")]
    [InlineData(7, "marker")]
    [InlineData(8, "unknown")]
    [InlineData(9, "empty")]
    [InlineData(10, "lost", "duplicate", "reorder", "delay", "split", "checkpoint", "marker", "unknown", "empty")]
    public async Task Run_AmongFaults_DeliversEveryRowOnce(int seed, params string[] faults)
    {
        var what = $"{string.Join(", ", faults)}, seed {seed}";
        var target = $"out-{seed}";
        var run = await host.RunAsync(target, seed, faults);
        Assert.True((string)run["status"]! == "completed" && (int)run["result"]!["completed"]! == 1, $"{what}: {run}\n{host.Host.Log()}");
        Assert.True(host.Source == host.Read(target), $"{what}: the rows are not those of the source");
        Assert.True(faults.All(fault => host.Host.Extension.Faults[fault] > 0), $"{what}: {string.Join(", ", host.Host.Extension.Faults)}");
        CheckReplays((string)run["id"]!);
    }

    [HostFact]
    public async Task Run_FailureWithoutDetails_FailsAndLeavesNothing()
    {
        const int Seed = 11;
        var run = await host.RunAsync("out-failed", Seed, "nodetails");
        Assert.True((int)run["result"]!["failed"]! == 1, $"seed {Seed}: {run}");
        Assert.Contains("the host does not say why", run.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("", host.Read("out-failed"));
        CheckReplays((string)run["id"]!);
        await host.RunAsync("out-failed", Seed);
        Assert.Equal(host.Source, host.Read("out-failed"));
    }

    /// <summary>Also what was recorded among faults is answered again by who has nothing but the history.</summary>
    private void CheckReplays(string run)
    {
        using var folder = new Orchestration.Tests.TemporaryFolder();
        using var store = new LocalStateStore(folder.Path);
        var turns = host.Host.Turns.Select(static turn => (Request: Convert.FromBase64String(turn.Request), Answer: Convert.FromBase64String(turn.Answer!)))
            .Where(turn => Orchestration.Protocol.OrchestratorMessageCodec.ReadRequest(turn.Request).InstanceId.StartsWith(run, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(turns);
        Determinism.Check(new TaskRegistry().AddSync(new FolderWorld(folder.Path), store), turns);
    }
}
