using System.Diagnostics;
using Nebula.Integration.Tests.Servers;

namespace Nebula.Delivery.Tests;

/// <summary>
/// Whole runs while what they work with fails: at each step that reaches a store its connections are cut, or it is too busy to answer, or it answers late;
/// or the disk is full. Every row of the source is at the destination, once, and nothing else is.
/// </summary>
[Collection(StoreTests.Name)]
public sealed class FaultMatrixTests(StoreServers servers)
{
    private const string OneObject = "{ type: json, path: \"URL/KEY/out.jsonl\" }", Parts = "{ type: csv, path: \"URL/KEY/out/\", file_size: 16KB }";

    public static TheoryData<string, string, string> Faults => new()
    {
        { "azure", "cut", OneObject },
        { "azure", "busy", Parts },
        { "azure", "slow", OneObject },
        { "s3", "cut", Parts },
        { "s3", "busy", OneObject },
        { "s3", "slow", Parts },
    };

    [StoreTheory]
    [MemberData(nameof(Faults))]
    public async Task Store_ThatFailsAtEveryStep_GetsEveryRowOnce(string store, string fault, string target)
    {
        var world = await servers.WorldAsync(store);
        await using var proxy = new FaultProxy(world.Address) { BytesBeforeCut = 0 };
        if (fault == "slow")
            proxy.Pause = TimeSpan.FromMilliseconds(5);
        var destination = new RemoteWorld(world, proxy.Address);
        foreach (var (name, value) in destination.Variables)
            Environment.SetEnvironmentVariable(name, value);
        var later = 5 + store.Length;
        var faults = 0;
        var steps = new Steps(reached: (step, count) =>
        {
            // the first time, and now and then a later one
            if (fault == "slow" || !step.StartsWith("store.", StringComparison.Ordinal) || step.EndsWith(".done", StringComparison.Ordinal) || step == "store.write"
                || (count > 1 && count % later > 0))
                return;
            Interlocked.Increment(ref faults);
            proxy.CutOpen();
            if (fault == "cut")
                proxy.Cuts = 1;
            else
                proxy.Refusals = 1;
        });
        using var folder = Folder.Create(target.Replace("URL", world.Root, StringComparison.Ordinal), destination);
        var result = await SteppedRun.RunAsync(folder.Path, steps);
        Assert.True(result is { Failed: 0, Cancelled: 0 }, string.Join("; ", result.Failures.Select(static failure => failure.Failure)));
        await destination.CheckAsync(folder, $"{store}, {fault}");
        Assert.True(fault == "slow" || (faults >= 4 && proxy.Broken >= 3), $"{faults} faults, {proxy.Broken} connections broken");
        Assert.Equal(0, await destination.UnfinishedAsync());
    }

    /// <summary>Source, target, journal and state on a disk that is full at one moment or another; with room, the run goes on, or the next one does it.</summary>
    [OwnDiskFact]
    public async Task Disk_ThatIsFull_HasEveryRowOnceWhenThereIsRoom()
    {
        var destination = new LocalWorld("out.jsonl");
        var path = Directory.CreateTempSubdirectory("nebula-disk-").FullName;
        var (failed, interrupted) = (0, 0);
        try
        {
            for (var kilobytes = 80; kilobytes <= 260; kilobytes += 20)
            {
                OwnDisk.Mount(path, kilobytes);
                var hasFailed = false;
                var folder = Folder.Create("{ type: json, path: out.jsonl }", destination, path);
                try
                {
                    var result = await SteppedRun.RunAsync(path, new Steps());
                    hasFailed = result.Failed > 0;
                    // what is there is whole or not there at all
                    if (!hasFailed)
                        await destination.CheckAsync(folder, $"{kilobytes} kB");
                    else
                        Assert.False(File.Exists(Path.Combine(path, "out.jsonl")), $"{kilobytes} kB: a part is visible");
                }
                catch (Exception e) when (e is IOException or Engine.Diagnostics.NebulaException)
                {
                    // the journal has no room either: this run can go on
                    interrupted++;
                }
                failed += hasFailed ? 1 : 0;
                OwnDisk.Resize(path, 16_000);
                if (hasFailed)
                    folder.Forget();
                var again = await SteppedRun.RunAsync(path, new Steps());
                Assert.True(again is { Failed: 0, Cancelled: 0 }, string.Join("; ", again.Failures.Select(static failure => failure.Failure)));
                await destination.CheckAsync(folder, $"{kilobytes} kB, then room");
                OwnDisk.Unmount(path);
            }
        }
        finally
        {
            OwnDisk.Unmount(path);
            Directory.Delete(path, recursive: true);
        }
        Assert.InRange(failed + interrupted, 3, 9);
    }

    /// <summary>A file system of a size of its own.</summary>
    private static class OwnDisk
    {
        public static void Mount(string path, int kilobytes) =>
            Assert.Equal(0, Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", path));

        public static void Resize(string path, int kilobytes) => Assert.Equal(0, Run("mount", "-o", $"remount,size={kilobytes}k", path));

        public static int Unmount(string path) => Run("umount", path);

        public static int Run(string program, params string[] arguments)
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return -1;
            }
        }
    }

    /// <summary>A fact that needs a file system of its own, and is counted as skipped without the right to make one.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class OwnDiskFactAttribute : FactAttribute
    {
        public OwnDiskFactAttribute()
        {
            var path = Directory.CreateTempSubdirectory("nebula-disk-").FullName;
            if (OperatingSystem.IsLinux() && OwnDisk.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path) == 0)
                OwnDisk.Unmount(path);
            else
                Skip = "no right to make a file system";
            Directory.Delete(path);
        }
    }
}
