using System.Diagnostics;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Diagnostics;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Integration.Tests.ObjectStores;

/// <summary>What stores do when the way to them breaks, answers come late, or the server is busy.</summary>
[Collection(StoreTests.Name)]
public sealed class StoreFaultTests(StoreServers servers)
{
    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Read_ConnectionsCut_GoesOnWhereItBroke(string name)
    {
        var world = await servers.WorldAsync(name);
        var content = Bytes(21_000_000);
        await world.PutAsync("in.bin", content);
        await using var proxy = new FaultProxy(world.Address) { BytesBeforeCut = 900_000 };
        using var store = world.Open(proxy.Address);
        var file = (await store.ListAsync(world.Url("in.bin"), default))[0];
        proxy.CutOpen();
        proxy.Cuts = 6;
        using var stream = store.OpenRead(file);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
        Assert.True(proxy.Broken >= 3, $"{proxy.Broken} connections were cut");
        proxy.CutOpen();
        proxy.Cuts = 3;
        using var random = store.OpenRandom(file);
        var target = new byte[10_000_000];
        random.Read(5_000_000, target);
        Assert.True(content.AsSpan(5_000_000, target.Length).SequenceEqual(target));
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task ReadAndWrite_StormOfErrors_GetThrough(string name)
    {
        var world = await servers.WorldAsync(name);
        var content = Bytes(12_000_000);
        await using var proxy = new FaultProxy(world.Address) { Refusals = 3 };
        using var store = world.Open(proxy.Address);
        var location = Stage(store, world.Url("out.bin"), content);
        Refuse();
        Assert.True(store.Publish([location], world.Url("out.bin"), "t"));
        Refuse();
        var file = (await store.ListAsync(world.Url("*.bin"), default))[0];
        Refuse();
        using var stream = store.OpenRead(file);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
        Assert.Equal(0, proxy.Refusals);

        void Refuse()
        {
            proxy.CutOpen();
            proxy.Refusals = 2;
        }
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Publish_AnswerLost_IsPublishedOnce(string name)
    {
        var world = await servers.WorldAsync(name);
        var content = Bytes(9_000_000);
        await using var proxy = new FaultProxy(world.Address) { BytesBeforeCut = 0 };
        using var store = world.Open(proxy.Address);
        var location = Stage(store, world.Url("out.bin"), content);
        for (var round = 0; round < 4; round++)
        {
            // each of the requests of a commit loses its answer in turn
            proxy.CutOpen();
            proxy.Cuts = 1 + round;
            _ = store.Publish([location], world.Url("out.bin"), "t");
            Assert.Equal(0, proxy.Cuts);
            var there = await world.GetAsync("out.bin");
            Assert.True(content.AsSpan().SequenceEqual(there));
        }
        Assert.Equal(["out.bin"], await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Write_ServerFallsSilent_CanBeInterrupted(string name)
    {
        var world = await servers.WorldAsync(name);
        await using var proxy = new FaultProxy(world.Address);
        using var store = world.Open(proxy.Address);
        using (var staged = store.Stage(world.Url("out.bin"), "run1"))
        {
            staged.Write(Bytes(9_000_000));
            proxy.Stall = true;
            var writing = Task.Run(() => staged.Write(Bytes(80_000_000)));
            await proxy.Stalled;
            staged.Interrupt();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
            proxy.Stall = false;
            proxy.CutOpen();
        }
        Assert.Empty(await world.KeysAsync());
        // an upload whose beginning was never answered is nobody's; the next run finds it
        foreach (var abandoned in store.FindAbandoned(world.Url("out.bin"), world.Url("out.bin"), "run2", []))
            store.Discard(abandoned);
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Read_SlowAnswers_AreWaitedFor(string name)
    {
        var world = await servers.WorldAsync(name);
        var content = Bytes(3_000_000);
        await world.PutAsync("in.bin", content);
        await using var proxy = new FaultProxy(world.Address) { Pause = TimeSpan.FromMilliseconds(5) };
        using var store = world.Open(proxy.Address);
        using var stream = store.OpenRead((await store.ListAsync(world.Url("in.bin"), default))[0]);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
    }

    [StoreFact]
    public async Task WriteSmall_S3DecidesOnAnotherWrite_IsTriedAgain()
    {
        var world = await servers.WorldAsync(StoreWorld.S3);
        await using var proxy = new FaultProxy(world.Address)
        {
            Refusal = ("409 Conflict", "<Error><Code>ConditionalRequestConflict</Code><Message>A conflicting conditional operation is under way</Message></Error>"),
        };
        using var store = world.Open(proxy.Address);
        proxy.Refusals = 3;
        var written = store.WriteSmall(world.Url("small"), "1"u8.ToArray(), null, "run1");
        Assert.Equal(0, proxy.Refusals);
        proxy.CutOpen();
        proxy.Refusals = 100;
        var refused = Assert.Throws<NebulaException>(() => store.WriteSmall(world.Url("small"), "2"u8.ToArray(), written, "run1"));
        Assert.Equal(ErrorKind.Transient, refused.Kind);
        proxy.Refusals = 0;
        Assert.Equal("1"u8.ToArray(), await world.GetAsync("small"));
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Claim_LostToAnotherRun_IsNotPublished(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        var url = world.Url("out.bin");
        using var claim = store.Claim(url, url, "run1", goesOn: false, default);
        var location = Stage(store, url, Bytes(10));
        // another run found this one silent, and took over
        await world.PutAsync(".out.bin.lock.nebula-tmp", """{"run":"run2"}"""u8.ToArray());
        var waiting = Stopwatch.StartNew();
        NebulaException? refused = null;
        while (refused is null && waiting.Elapsed < TimeSpan.FromSeconds(60))
        {
            await Task.Delay(500);
            try
            {
                store.Publish([location], url, "t");
            }
            catch (NebulaException e)
            {
                refused = e;
            }
        }
        Assert.Equal(ErrorKind.Locked, refused?.Kind);
    }

    private static string Stage(IObjectStore store, string url, byte[] content)
    {
        using var staged = store.Stage(url, "run1");
        staged.Write(content);
        staged.Complete();
        return staged.Location;
    }

    private static byte[] Bytes(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }
}
