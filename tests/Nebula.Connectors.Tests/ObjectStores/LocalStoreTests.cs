using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Tests.ObjectStores;

public sealed class LocalStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-store-").FullName;
    private readonly LocalStore _store = new();

    private string Target => Path.Combine(_folder, "out.csv");

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Publish_Repeated_SaysThatItWasDone()
    {
        var location = Stage("1\n");
        Assert.True(_store.Publish([location], Target, "t"));
        Assert.False(_store.Publish([location], Target, "t"));
        Assert.Equal("1\n", File.ReadAllText(Target));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Publish_StagedVersionGoneAndAnotherThere_IsAnError(bool nothingThere)
    {
        var location = Stage("1\n");
        _store.Publish([location], Target, "t");
        if (nothingThere)
            File.Delete(Target);
        else
            File.WriteAllText(Target, "somebody else's");
        var error = Assert.Throws<NebulaException>(() => _store.Publish([location], Target, "t"));
        Assert.Contains("is gone", error.Message, StringComparison.Ordinal);
        Assert.Equal(!nothingThere, File.Exists(Target));
    }

    [Fact]
    public void Publish_StagedVersionWrittenAnew_MayBeRepeated()
    {
        var location = Stage("1\n");
        Assert.NotEqual(location, Stage("1\n"));
        Assert.True(_store.Publish([location], Target, "t"));
        Assert.False(_store.Publish([location], Target, "t"));
    }

    [Fact]
    public void Publish_StagedVersionWrittenAnewInPart_IsRefused()
    {
        File.WriteAllText(Target, "before");
        var location = Stage("1\n2\n");
        File.WriteAllText(Directory.GetFiles(_folder, ".out*", new EnumerationOptions { AttributesToSkip = 0 }).Single(), "1\n");
        Assert.Contains("staged with 4 bytes and has 2 now", Assert.Throws<NebulaException>(() => _store.Publish([location], Target, "t")).Message,
            StringComparison.Ordinal);
        Assert.Equal("before", File.ReadAllText(Target));
    }

    [Fact]
    public void Discard_StagedVersion_IsGoneAndMayBeDiscardedAgain()
    {
        var location = Stage("1\n");
        _store.Discard(location);
        _store.Discard(location);
        Assert.Empty(Directory.GetFiles(_folder, "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public void Claim_LateAndOnceMore_LeavesWhatTheRunHasStagedAndNothingOfOthers()
    {
        var (id, pattern) = (Path.Combine(_folder, "part-"), Path.Combine(_folder, "part-*"));
        var dead = Stage(Path.Combine(_folder, "part-#7-0"), "0\n", "dead");
        string[] locations = [Stage(Path.Combine(_folder, "part-#0-0"), "1\n", "run1"), Stage("2\n")];
        _store.Claim(id, pattern, "run1", goesOn: false, default).Dispose();
        _store.Claim(Target, Target, "run1", goesOn: false, default).Dispose();
        Assert.False(File.Exists(StagedLocation.Parse(dead).Path));
        Assert.True(_store.Publish([locations[0]], Path.Combine(_folder, "part-0"), "t"));
        Assert.True(_store.Publish([locations[1]], Target, "t"));
    }

    [Fact]
    public void FindAbandoned_AttemptsOfTheRunThatDied_AreFoundAndNothingElse()
    {
        var (id, pattern) = (Path.Combine(_folder, "part-"), Path.Combine(_folder, "part-*"));
        var published = Stage(Path.Combine(_folder, "part-#0-0"), "1\n", "run1");
        var abandoned = Stage(Path.Combine(_folder, "part-#1-0"), "2\n", "run1");
        _ = Stage(Path.Combine(_folder, "other-#1-0"), "3\n", "run1");
        using var claim = _store.Claim(id, pattern, "run1", goesOn: false, default);
        // the next run, which came when this one had published
        _ = Stage(Path.Combine(_folder, "part-#1-0"), "4\n", "run2");
        var found = Assert.Single(_store.FindAbandoned(id, pattern, "run1", [published]));
        Assert.Equal(StagedLocation.Parse(abandoned).Path, StagedLocation.Parse(found).Path);
        _store.Discard(found);
        Assert.Empty(_store.FindAbandoned(id, pattern, "run1", [published]));
        Assert.Empty(_store.FindAbandoned(Target, Target, "run1", []));
    }

    [Fact]
    public void WriteSmall_SomebodyElseWasFirst_IsRefused()
    {
        var first = _store.WriteSmall(Target, "1"u8.ToArray(), null, "run1");
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => _store.WriteSmall(Target, "2"u8.ToArray(), null, "run2")).Kind);
        var second = _store.WriteSmall(Target, "2"u8.ToArray(), first, "run1");
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => _store.WriteSmall(Target, "3"u8.ToArray(), first, "run2")).Kind);
        Assert.Equal(second.Version, _store.ReadSmall(Target)!.Version);
        Assert.Equal([Target], Directory.GetFiles(_folder, "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public async Task OpenRead_FileCutOffWhileRead_IsAnErrorAndNoShortResult()
    {
        File.WriteAllText(Target, "0123456789");
        var file = (await _store.ListAsync(Target, default))[0];
        using (var stream = _store.OpenRead(file))
        {
            Assert.Equal(4, stream.Read(new byte[4]));
            using (var cut = new FileStream(Target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
                cut.SetLength(6);
            Assert.Equal(2, stream.Read(new byte[4]));
            Assert.Contains("became shorter", Assert.Throws<NebulaException>(() => stream.Read(new byte[4])).Message, StringComparison.Ordinal);
        }
        // one that grows is read as far as it goes
        File.WriteAllText(Target, "0123456789ab");
        using var all = new StreamReader(_store.OpenRead(file));
        Assert.Equal("0123456789ab", all.ReadToEnd());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Publish_LinkToFile_ReplacesTheFileAndKeepsTheLink(bool targetExists)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "elsewhere")).FullName;
        var real = Path.Combine(folder, "real.csv");
        if (targetExists)
            File.WriteAllText(real, "old");
        File.CreateSymbolicLink(Target, Path.Combine("elsewhere", "real.csv"));
        _store.Publish([Stage("1\n")], Target, "t");
        Assert.Equal("1\n", File.ReadAllText(real));
        Assert.NotNull(new FileInfo(Target).LinkTarget);
        Assert.Equal([real], Directory.GetFiles(folder, "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public async Task Stage_NamedPipe_GoesToItsReaderAndKeepsThePipe()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using (var made = System.Diagnostics.Process.Start("mkfifo", [Target]))
            await made.WaitForExitAsync();
        Assert.True(_store.GoesOutAtOnce(Target));
        _store.CheckWritable(Target);
        var read = Task.Run(() => File.ReadAllText(Target));
        using (_store.Claim(Target, Target, "run1", goesOn: false, default))
            Assert.Equal("", Stage("1\n"));
        Assert.Equal("1\n", await read);
        Assert.True(PipeInput.IsPipe(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder, "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public void Stage_PipeThatNobodyReads_CanBeInterrupted()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using (var made = System.Diagnostics.Process.Start("mkfifo", [Target]))
            made.WaitForExit();
        using var staged = _store.Stage(Target, "run1");
        staged.Interrupt();
        Assert.Throws<OperationCanceledException>(() => staged.Write("1"u8));
    }

    [Fact]
    public async Task List_Folder_PassesOverWhatProgramsLeaveBesideData()
    {
        foreach (var name in (string[])["a.csv", "_SUCCESS", ".a.csv.crc", "_temporary/b.csv", "day=1/c.csv", "_day=1/d.csv", ".cache/e.csv"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, name))!);
            File.WriteAllText(Path.Combine(_folder, name), "1");
        }
        Assert.Equal(["_day=1/d.csv", "a.csv", "day=1/c.csv"], (await _store.ListAsync(_folder, default)).Select(static file => file.Name));
        Assert.Equal(["_SUCCESS"], (await _store.ListAsync(Path.Combine(_folder, "_S*"), default)).Select(static file => file.Name));
    }

    [Fact]
    public void OpenRead_Offset_StartsThere()
    {
        File.WriteAllText(Target, "0123456789");
        using var reader = new StreamReader(_store.OpenRead(new StoredObject(Target, "out.csv", 10), 7));
        Assert.Equal("789", reader.ReadToEnd());
    }

    [Fact]
    public async Task List_ChangedFile_HasAnotherVersion()
    {
        File.WriteAllText(Target, "1");
        var first = (await _store.ListAsync(Target, default))[0].Version;
        Assert.Equal(first, (await _store.ListAsync(Path.Combine(_folder, "*.csv"), default))[0].Version);
        File.WriteAllText(Target, "12");
        Assert.NotEqual(first, (await _store.ListAsync(Target, default))[0].Version);
    }

    private string Stage(string text) => Stage(Target, text, "run1");

    private string Stage(string path, string text, string runId)
    {
        using var staged = _store.Stage(path, runId);
        staged.Write(System.Text.Encoding.UTF8.GetBytes(text));
        staged.Complete();
        return staged.Location;
    }
}
