using System.Text;
using Nebula.Cli.Running;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Tests;

public sealed class RehearsalTests
{
    /// <summary>Nobody sees how a rehearsal ends, so that it is seen here that it comes to its end.</summary>
    [Fact]
    public async Task Run_OneRow_ComesOutAsJsonAndIsAccountedFor()
    {
        const string Row = "{\"id\":1,\"name\":\"one\",\"amount\":1.5,\"at\":\"2026-01-31T12:30:00\",\"active\":true}\n";
        using var folder = new NebulaProcess();
        using var account = new LocalStateStore(folder.Folder);
        foreach (var remembered in (IStateStore?[])[account, null])
        {
            using var written = new MemoryStream();
            await Rehearsal.RunAsync(remembered, written);
            Assert.Equal(Row, Encoding.UTF8.GetString(written.ToArray()));
        }
        var run = Assert.Single(await new RunHistory(account).ListAsync("", CancellationToken.None).ToListAsync());
        Assert.Equal(("completed", 1), (run.Status, run.Rows));
        Assert.Single(await new SyncState(account).ListCheckpointsAsync("", CancellationToken.None).ToListAsync());
    }
}
