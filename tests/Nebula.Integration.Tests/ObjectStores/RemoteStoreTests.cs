using System.Diagnostics;
using System.Security.Cryptography;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Integration.Tests.ObjectStores;

/// <summary>Listing, reading, staging, publishing, claiming: what every store promises, against running servers.</summary>
[Collection(StoreTests.Name)]
public sealed class RemoteStoreTests(StoreServers servers)
{
    private const int Large = 21_000_000;

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task List_AnyPattern_FindsWhatItNames(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        string[] keys = ["in/a.csv", "in/b.csv.gz", "in/deep/c.csv", "in/k=1/d.csv", "other/e.csv", "in/.a.csv.lock.nebula-tmp", "in/.x.nebula-parts",
            "ü b#1.csv"];
        foreach (var key in keys)
            await world.PutAsync(key, [1, 2, 3]);
        await CheckAsync("in/*.csv", "a.csv");
        await CheckAsync("in/*", "a.csv", "b.csv.gz");
        await CheckAsync("in/**/*.csv", "a.csv", "deep/c.csv", "k=1/d.csv");
        await CheckAsync("in/", "a.csv", "b.csv.gz", "deep/c.csv", "k=1/d.csv");
        await CheckAsync("in", "a.csv", "b.csv.gz", "deep/c.csv", "k=1/d.csv");
        await CheckAsync("other", "e.csv");
        await CheckAsync("in/a.csv", "a.csv");
        await CheckAsync("ü b#1.csv", "ü b#1.csv");
        await CheckAsync("*/e.csv", "other/e.csv");
        await CheckAsync("nothing*");
        await CheckAsync("nothing");
        Assert.Equal(["ü b#1.csv"], (await store.ListAsync(world.Root, default)).Select(static o => o.Name));
        Assert.Contains("Did you mean 'a.csv'?", store.Missing(world.Url("in/a.cvs")).Message, StringComparison.Ordinal);

        async Task CheckAsync(string pattern, params string[] expected)
        {
            var found = await store.ListAsync(world.Url(pattern), default);
            Assert.Equal(expected, found.Select(static o => o.Name));
            Assert.All(found, o => Assert.True(o.Size == 3 && o.Version!.Length > 0 && o.Path.StartsWith(world.Root, StringComparison.Ordinal)));
        }
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task ReadAndWrite_WithLimit_TakeAtLeastTheirTime(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open(more: (RateLimit.Option.Name, "10MB"));
        var content = RandomNumberGenerator.GetBytes(6_000_000);
        var started = Stopwatch.GetTimestamp();
        using (var staged = store.Stage(world.Url("limited"), "run"))
        {
            staged.Write(content);
            staged.Complete();
            Assert.True(store.Publish([staged.Location], world.Url("limited"), "token"));
        }
        using var stream = store.OpenRead(Assert.Single(await store.ListAsync(world.Url("limited"), default)));
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.Equal(content, read.ToArray());
        // a slow machine only takes longer
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromSeconds(1.0));
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task List_ManyObjects_TurnsPages(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        await Parallel.ForEachAsync(Enumerable.Range(0, 1_100), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            await world.PutAsync($"p/{i:00000}.csv", []));
        Assert.Equal(Enumerable.Range(0, 1_100).Select(static i => $"{i:00000}.csv"),
            (await store.ListAsync(world.Url("p/*.csv"), default)).Select(static o => o.Name));
    }

    [StoreTheory]
    [InlineData("azure", 0)]
    [InlineData("azure", 1)]
    [InlineData("azure", Large)]
    [InlineData("s3", 0)]
    [InlineData("s3", 1)]
    [InlineData("s3", Large)]
    public async Task Read_WholeAndFromAnyOffset_GivesTheObject(string name, int size)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        var content = Bytes(size);
        await world.PutAsync("in.bin", content);
        var file = (await store.ListAsync(world.Url("in.bin"), default))[0];
        foreach (var offset in new[] { 0, size / 3, size })
        {
            using var stream = store.OpenRead(file, offset);
            Assert.Equal(SHA256.HashData(content.AsSpan(offset)), await SHA256.HashDataAsync(stream));
        }
        using var random = store.OpenRandom(file);
        Assert.Equal(size, random.Length);
        const int seed = 20240607;
        var dice = new Random(seed);
        for (var i = 0; i < 40; i++)
        {
            var start = dice.Next(size + 1);
            var target = new byte[Math.Min(size - start, dice.Next(1 << dice.Next(1, 23)))];
            random.Read(start, target);
            Assert.True(target.AsSpan().SequenceEqual(content.AsSpan(start, target.Length)), $"seed {seed}");
        }
        // the end, and then one behind the other, as containers are read
        for (var start = 0; start < size; start += 300_000)
        {
            var target = new byte[Math.Min(300_000, size - start)];
            random.Read(start, target);
            Assert.True(target.AsSpan().SequenceEqual(content.AsSpan(start, target.Length)));
        }
        Assert.Throws<DataFormatException>(() => random.Read(size, new byte[1]));
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Read_ObjectThatChangesMeanwhile_IsRefused(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        await world.PutAsync("in.bin", Bytes(Large));
        var file = (await store.ListAsync(world.Url("in.bin"), default))[0];
        using var stream = store.OpenRead(file);
        Assert.Equal(1_000, stream.Read(new byte[1_000]));
        await world.PutAsync("in.bin", Bytes(Large, seed: 2));
        var error = Assert.Throws<NebulaException>(() => stream.CopyTo(Stream.Null));
        Assert.Equal(ErrorKind.Data, error.Kind);
        Assert.Contains("was changed", error.Message, StringComparison.Ordinal);
        Assert.Contains("in.bin", error.Message, StringComparison.Ordinal);
        using var random = store.OpenRandom(file);
        Assert.Equal(ErrorKind.Data, Assert.Throws<NebulaException>(() => random.Read(0, new byte[10])).Kind);
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Read_Interrupted_Ends(string name)
    {
        var world = await servers.WorldAsync(name);
        await world.PutAsync("in.bin", Bytes(Large));
        await using var proxy = new FaultProxy(world.Address);
        using var store = world.Open(proxy.Address);
        var file = (await store.ListAsync(world.Url("in.bin"), default))[0];
        using var stop = new CancellationTokenSource();
        using var stream = store.OpenRead(file, 0, stop.Token);
        proxy.Stall = true;
        var reading = Task.Run(() => stream.Read(new byte[10]));
        await proxy.Stalled;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        // and only that one
        proxy.Stall = false;
        using var next = store.OpenRead(file);
        Assert.Equal(10, next.Read(new byte[10]));
    }

    [StoreTheory]
    [InlineData("azure", 0)]
    [InlineData("azure", 5)]
    [InlineData("azure", Large)]
    [InlineData("s3", 0)]
    [InlineData("s3", 5)]
    [InlineData("s3", Large)]
    public async Task Publish_StagedObject_AppearsAtOnceAndOnlyOnce(string name, int size)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        var content = Bytes(size);
        var location = Stage(store, world.Url("out/a.bin"), content, null);
        Assert.Empty(await world.KeysAsync());
        Assert.True(store.Publish([location], world.Url("out/a.bin"), "t1"));
        Assert.False(store.Publish([location], world.Url("out/a.bin"), "t1"));
        AssertSame(content, await world.GetAsync("out/a.bin"));
        Assert.Equal(["out/a.bin"], await world.KeysAsync());
        Assert.Equal(0, await world.UnfinishedAsync());
        // replaced by the next run; the first cannot come back
        Assert.True(store.Publish([Stage(store, world.Url("out/a.bin"), Bytes(7), null)], world.Url("out/a.bin"), "t2"));
        if (size > 0)
            Assert.Contains("gone", Assert.Throws<NebulaException>(() => store.Publish([location], world.Url("out/a.bin"), "t1")).Message,
                StringComparison.Ordinal);
        Assert.Equal(7, (await world.GetAsync("out/a.bin"))!.Length);
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Publish_ChunksOfAnySize_AreJoinedInOrder(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        int[][] cases = [[10, 20, 30], [9_000_000, 5], [5, 9_000_000], [6_000_000, 3, 0, 2_000_000, 5_500_000, 5_242_880], [0, 0], [5_242_879, 5_242_881, 1]];
        for (var i = 0; i < cases.Length; i++)
        {
            var url = world.Url($"out/{i}.bin");
            var chunks = cases[i].Select((size, chunk) => Bytes(size, seed: chunk)).ToList();
            // staged in any order, by different stores, and one of them twice
            using var other = world.Open();
            var last = Stage(other, url, chunks[^1], chunks.Count - 1);
            _ = Stage(other, url, Bytes(100), 0);
            var locations = chunks.SkipLast(1).Select((chunk, index) => Stage(store, url, chunk, index)).Append(last).ToList();
            Assert.Null(await world.GetAsync($"out/{i}.bin"));
            Assert.True(store.Publish(locations, url, "t"));
            Assert.False(other.Publish(locations, url, "t"));
            AssertSame([.. chunks.SelectMany(static chunk => chunk)], await world.GetAsync($"out/{i}.bin"));
            Assert.Equal(Enumerable.Range(0, i + 1).Select(static n => $"out/{n}.bin"), await world.KeysAsync());
        }
        // what the attempts left that were not published is found by whoever publishes next
        for (var i = 0; i < cases.Length; i++)
            foreach (var abandoned in store.FindAbandoned(world.Url($"out/{i}.bin"), world.Url($"out/{i}.bin"), "next", []))
                store.Discard(abandoned);
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Stage_GivenUpOrDiscarded_LeavesNothing(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        using (var staged = store.Stage(world.Url("out/a.bin"), "run1"))
            staged.Write(Bytes(Large));
        using (var interrupted = store.Stage(world.Url("out/a.bin"), "run1"))
        {
            interrupted.Write(Bytes(9_000_000));
            interrupted.Interrupt();
            Assert.ThrowsAny<OperationCanceledException>(() => interrupted.Write(Bytes(9_000_000)));
        }
        store.Discard(Stage(store, world.Url("out/a.bin"), Bytes(10), null));
        var chunk = Stage(store, world.Url("out/a.bin"), Bytes(10), 3);
        store.Discard(chunk);
        store.Discard(chunk);
        store.CheckWritable(world.Url("out/"));
        Assert.Empty(await world.KeysAsync());
        Assert.Equal(0, await world.UnfinishedAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task FindAbandoned_RunsAndAttemptsThatDied_AreFoundAndNothingElse(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        var url = world.Url("out/a.bin");
        await world.PutAsync("out/a.bin", [1]);
        await world.PutAsync("out/.a.bin.dead-0-x.nebula-tmp", [1]);
        await world.PutAsync("out/.b.bin.alive-0-x.nebula-tmp", [1]);
        _ = Stage(store, url, Bytes(10), null);
        _ = Stage(store, url, Bytes(10), 2);
        string[] published = [Stage(store, url, Bytes(10), 0), Stage(store, url, Bytes(20), 1)];
        var other = Stage(store, world.Url("out/b.bin"), Bytes(10), null);
        using (store.Claim(url, url, "run2", goesOn: false, default))
        {
            var abandoned = store.FindAbandoned(url, url, "run2", published);
            Assert.Equal(name == StoreWorld.S3 ? 3 : 0, abandoned.Count);
            Assert.True(store.Publish(published, url, "t"));
            foreach (var location in abandoned)
                store.Discard(location);
            Assert.Equal(name == StoreWorld.S3 ? 1 : 0, await world.UnfinishedAsync());
        }
        Assert.Equal(30, (await world.GetAsync("out/a.bin"))!.Length);
        Assert.True(store.Publish([other], world.Url("out/b.bin"), "t"));
        if (name == StoreWorld.S3)
            Assert.Equal(["out/.b.bin.alive-0-x.nebula-tmp", "out/a.bin", "out/b.bin"], await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Claim_LateAndOnceMore_LeavesWhatTheRunHasStaged(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        using var late = world.Open();
        foreach (var (path, pattern, chunk) in ((string, string, int?)[])[("out/a.bin", "out/a.bin", null), ("out/b.bin", "out/b.bin", 0), ("out/part-", "out/part-*", null)])
        {
            var target = world.Url(path == pattern ? path : "out/part-0");
            store.Claim(world.Url(path), world.Url(pattern), "run1", goesOn: false, default).Dispose();
            var staged = Stage(store, target, Bytes(10), chunk);
            late.Claim(world.Url(path), world.Url(pattern), "run1", goesOn: false, default).Dispose();
            Assert.True(store.Publish([staged], target, "t"));
            Assert.Equal(Bytes(10), await world.GetAsync(target[world.Url("").Length..]));
        }
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Claim_WhileAnotherRunLives_IsRefused(string name)
    {
        var world = await servers.WorldAsync(name);
        using var first = world.Open();
        using var second = world.Open();
        var (path, pattern) = (world.Url("out/part-.csv"), world.Url("out/**/part-*.csv"));
        using (first.Claim(path, pattern, "run1", goesOn: false, default))
        {
            // the run itself may, from wherever
            second.Claim(path, pattern, "run1", goesOn: false, default).Dispose();
            using (first.Claim(path, pattern, "run1", goesOn: false, default))
            {
                var error = Assert.Throws<NebulaException>(() => second.Claim(path, pattern, "run2", goesOn: false, default));
                Assert.Equal(ErrorKind.Locked, error.Kind);
                Assert.Contains("run1", error.Message, StringComparison.Ordinal);
            }
        }
        second.Claim(path, pattern, "run2", goesOn: false, default).Dispose();
        Assert.Empty(await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Claim_OfARunThatDied_IsTakenOver(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        await world.PutAsync("out/.a.bin.lock.nebula-tmp", """{"run":"dead"}"""u8.ToArray());
        using (store.Claim(world.Url("out/a.bin"), world.Url("out/a.bin"), "run2", goesOn: false, default))
            Assert.Contains("run2", System.Text.Encoding.UTF8.GetString((await world.GetAsync("out/.a.bin.lock.nebula-tmp"))!), StringComparison.Ordinal);
        Assert.Empty(await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task Claim_OfManyTargetsOfARunThatDied_WaitsOnce(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        string[] targets = ["a", "b", "c", "d"];
        foreach (var target in targets)
            await world.PutAsync($"out/.{target}.bin.lock.nebula-tmp", """{"run":"dead"}"""u8.ToArray());
        var waiting = Stopwatch.StartNew();
        foreach (var target in targets)
            store.Claim(world.Url($"out/{target}.bin"), world.Url($"out/{target}.bin"), "run2", goesOn: false, default).Dispose();
        // two lives would be over only if a second one had been waited for
        Assert.InRange(waiting.Elapsed, ObjectLock.Lifetime / 2, ObjectLock.Lifetime * 2);
        Assert.Empty(await world.KeysAsync());
    }

    [StoreTheory]
    [InlineData("azure")]
    [InlineData("s3")]
    public async Task WriteSmall_SomebodyElseWasFirst_IsRefused(string name)
    {
        var world = await servers.WorldAsync(name);
        using var store = world.Open();
        var path = world.Url("out/.m.nebula-parts");
        Assert.Null(store.ReadSmall(path));
        var first = store.WriteSmall(path, "1"u8.ToArray(), null, "run1");
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => store.WriteSmall(path, "2"u8.ToArray(), null, "run2")).Kind);
        var second = store.WriteSmall(path, "2"u8.ToArray(), first, "run1");
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => store.WriteSmall(path, "3"u8.ToArray(), first, "run2")).Kind);
        Assert.Equal(second.Version, store.ReadSmall(path)!.Version);
        store.Delete(path, world.Root);
        store.Delete(path, world.Root);
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => store.WriteSmall(path, "3"u8.ToArray(), second, "run1")).Kind);
        var writers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            try
            {
                store.WriteSmall(path, new byte[] { (byte)i }, null, $"run{i}");
                return 1;
            }
            catch (NebulaException e) when (e.Kind == ErrorKind.Locked)
            {
                return 0;
            }
        })));
        Assert.Equal(1, writers.Sum());
    }

    private static string Stage(IObjectStore store, string url, byte[] content, int? chunk)
    {
        using var staged = store.Stage(url, "run1", chunk);
        // in pieces that fit no part
        foreach (var piece in content.Chunk(777_777))
            staged.Write(piece);
        staged.Complete();
        Assert.Equal(content.Length, staged.Length);
        return staged.Location;
    }

    private static void AssertSame(byte[] expected, byte[]? actual) =>
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{expected.Length} bytes expected, {actual?.Length} there");

    private static byte[] Bytes(int size, int seed = 1)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
