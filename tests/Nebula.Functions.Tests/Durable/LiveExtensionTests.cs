using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Tests.Durable;

/// <summary>What clients ask about instances that live, have ended, or never were, over gRPC and over HTTP.</summary>
public sealed class LiveExtensionTests(LiveExtension extension) : IClassFixture<LiveExtension>
{
    [HostTheory, InlineData(true), InlineData(false)]
    public async Task Start_IdThatLives_IsRefusedAndChangesNothing(bool overGrpc)
    {
        var (client, id) = (extension.Client(overGrpc), $"twice-{overGrpc}");
        Assert.True(await client.StartAsync(new StartInstance(id, "Wait", "10"), default));
        Assert.False(await client.StartAsync(new StartInstance(id, "Wait", "20"), default));
        Assert.Equal("10", (await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Running)).Input);
        Assert.False(await client.StartAsync(new StartInstance(id, "Wait", "20"), default));
        await client.RaiseEventAsync(id, "go", "5", default);
        Assert.Equal("15", (await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Completed)).Output);
        // one that has ended gives way
        Assert.True(await client.StartAsync(new StartInstance(id, "Wait", "20"), default));
        Assert.Equal("20", (await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Running)).Input);
    }

    [HostTheory, InlineData(true), InlineData(false)]
    public async Task Instance_Unknown_IsNotFound(bool overGrpc)
    {
        var client = extension.Client(overGrpc);
        Assert.Null(await client.FindAsync("nobody", true, default));
        Assert.Empty((await client.QueryAsync(new InstanceQuery { InstanceIdPrefix = "nobody" }, default)).Instances);
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<NebulaException>(() => client.RaiseEventAsync("nobody", "go", "1", default))).Kind);
        foreach (var control in Enum.GetValues<InstanceControl>())
            Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<NebulaException>(() => client.ControlAsync(control, "nobody", "why", default))).Kind);
    }

    [HostTheory, InlineData(true), InlineData(false)]
    public async Task Event_BeforeItIsWaitedFor_IsKept(bool overGrpc)
    {
        var (client, id) = (extension.Client(overGrpc), $"early-{overGrpc}");
        // there is nobody yet whom it could be kept for
        await Assert.ThrowsAsync<NebulaException>(() => client.RaiseEventAsync(id, "go", "1", default));
        await client.StartAsync(new StartInstance(id, "Wait", "10"), default);
        await client.RaiseEventAsync(id, "GO", "7", default);
        Assert.Equal("17", (await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Completed)).Output);
        Assert.Equal(ErrorKind.Locked, (await Assert.ThrowsAsync<NebulaException>(() => client.RaiseEventAsync(id, "go", "1", default))).Kind);
    }

    [HostTheory, InlineData(true), InlineData(false)]
    public async Task Terminate_Suspended_EndsWithItsReason(bool overGrpc)
    {
        var (client, id) = (extension.Client(overGrpc), $"suspended-{overGrpc}");
        await client.StartAsync(new StartInstance(id, "Wait", "10"), default);
        await client.ControlAsync(InstanceControl.Suspend, id, "later", default);
        await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Suspended);
        await client.RaiseEventAsync(id, "go", "5", default);
        await client.ControlAsync(InstanceControl.Terminate, id, "enough", default);
        Assert.Contains("enough", (await LiveExtension.UntilAsync(client, id, OrchestrationStatus.Terminated)).Output, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Locked,
            (await Assert.ThrowsAsync<NebulaException>(() => client.ControlAsync(InstanceControl.Resume, id, "on", default))).Kind);
    }

    [HostTheory, InlineData(true), InlineData(false)]
    public async Task Purge_Ended_LeavesWhatLives(bool overGrpc)
    {
        var (client, ended, lives) = (extension.Client(overGrpc), $"ended-{overGrpc}", $"lives-{overGrpc}");
        foreach (var id in (string[])[ended, lives])
            await client.StartAsync(new StartInstance(id, "Wait", "10"), default);
        await client.RaiseEventAsync(ended, "go", "5", default);
        var begin = (await LiveExtension.UntilAsync(client, ended, OrchestrationStatus.Completed)).CreatedAt;
        Assert.Equal(0, await client.PurgeAsync(begin.AddDays(-2), begin.AddDays(-1), default));
        Assert.Equal(1, await client.PurgeAsync(begin, begin.AddDays(1), default));
        Assert.Null(await client.FindAsync(ended, true, default));
        Assert.Equal(0, await client.PurgeAsync(begin, begin.AddDays(1), default));
        Assert.NotNull(await client.FindAsync(lives, true, default));
    }
}
