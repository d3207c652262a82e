using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>Files of this machine; <c>-</c> is standard input or output.</summary>
/// <param name="limit">What reading and writing them keeps to; null for no limit.</param>
internal sealed class LocalStore(RateLimit? limit = null) : IObjectStore
{
    /// <summary>The name of standard input and output.</summary>
    public const string StandardStream = "-";

    private const string StagedSuffix = IObjectStore.StagedSuffix;
    private const string UrlPrefix = "file://";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits a while for another process of the same run.</summary>
    internal Action<CancellationToken> Pause { get; init; } = static cancellationToken => cancellationToken.WaitHandle.WaitOne(Look);

    public bool Joins => false;

    public bool Continues => true;

    public bool Renames => true;

    public string Resolve(string path)
    {
        if (!path.StartsWith(UrlPrefix, StringComparison.OrdinalIgnoreCase))
            return path;
        var local = Uri.UnescapeDataString(path[UrlPrefix.Length..]);
        // file:///C:/folder: the path of a drive begins behind the third slash
        var hasDrive = local.Length > 2 && local[0] == '/' && char.IsAsciiLetter(local[1]) && local[2] == ':';
        return local.StartsWith('/') ? local[(hasDrive ? 1 : 0)..] : throw NebulaException.Configuration(
            $"'{path}' names a file of another machine. Write file:///folder/name with three slashes, or just the path.");
    }

    public bool IsFolder(string path) => path != StandardStream && (ObjectPath.EndsAsFolder(path) || Directory.Exists(path));

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken)
    {
        if (pattern == StandardStream)
            return Task.FromResult<IReadOnlyList<StoredObject>>([new StoredObject(pattern, "stdin", null)]);
        if (!Glob.IsWildcard(pattern))
        {
            if (Directory.Exists(pattern))
                return Task.FromResult<IReadOnlyList<StoredObject>>(
                    List(Path.Combine(pattern, HasPartitions(pattern) ? "**/*" : "*"), isFolder: true, cancellationToken));
            var file = new FileInfo(pattern);
            // a pipe or a device shows a size of 0, which says nothing
            return Task.FromResult<IReadOnlyList<StoredObject>>(!file.Exists ? []
                : [new StoredObject(pattern, file.Name, file.Length > 0 ? file.Length : null, VersionOf(file))]);
        }
        return Task.FromResult<IReadOnlyList<StoredObject>>(List(pattern, isFolder: false, cancellationToken));
    }

    private static List<StoredObject> List(string pattern, bool isFolder, CancellationToken cancellationToken)
    {
        var (root, rest) = Glob.Split(pattern);
        if (!Directory.Exists(root))
            return [];
        var found = new List<StoredObject>();
        var options = new EnumerationOptions { RecurseSubdirectories = rest.Contains('/'), IgnoreInaccessible = false, AttributesToSkip = 0 };
        foreach (var path in Directory.EnumerateFiles(root, "*", options))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(root, path).Replace('\\', '/');
            if (Glob.Matches(rest, name) && !(isFolder && ObjectPath.IsMarker(name)) && !name.EndsWith(StagedSuffix, StringComparison.Ordinal)
                && !name.EndsWith(IObjectStore.ManifestSuffix, StringComparison.Ordinal))
            {
                var file = new FileInfo(path);
                found.Add(new StoredObject(path, name, file.Length, VersionOf(file)));
            }
        }
        found.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return found;
    }

    public NebulaException Missing(string path)
    {
        if (Directory.Exists(path))
            return NebulaException.NotFound(
                $"The folder '{path}' has no files that count as data. Files in folders below it need a wildcard ('{Path.Combine(path, "**/*")}'), and so do "
                + "those whose names begin with a point or an underscore.");
        return NebulaException.NotFound($"The file '{path}' does not exist.{Suggestion.ForFile(path)}");
    }

    public bool ComesOnce(string path) => path == StandardStream || PipeInput.IsPipe(path);

    public bool GoesOutAtOnce(string path) => ComesOnce(path);

    public Stream OpenRead(StoredObject file, long offset = 0, CancellationToken cancellationToken = default)
    {
        var stream = OpenWhole(file, offset);
        return limit is null ? stream : new LimitedInput(stream, limit, cancellationToken);
    }

    private static Stream OpenWhole(StoredObject file, long offset)
    {
        var path = file.Path;
        if (path == StandardStream)
            return new StandardInput();
        if (PipeInput.IsPipe(path))
            return Guard(path, "read", () => new PipeInput(path));
        return Guard<Stream>(path, "read", () =>
        {
            var stream = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
                Options = FileOptions.SequentialScan,
            });
            try
            {
                // a file that is read in one go may grow meanwhile; of one that is read in pieces all must be of one version
                if (offset > 0)
                    Require(file, stream.SafeFileHandle);
                stream.Position = offset;
                return file.Size is { } size ? new WholeFile(stream, path, size) : (Stream)stream;
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        });
    }

    public IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken = default) => Guard(file.Path, "read", () =>
    {
        var path = file.Path;
        if (Directory.Exists(path))
            throw NebulaException.Configuration($"'{path}' is a folder.");
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
        try
        {
            Require(file, handle);
            var bytes = new LocalBytes(path, handle);
            return limit is null ? bytes : (IRandomAccess)new LimitedBytes(bytes, limit, cancellationToken);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    });

    public void Delete(string path, string root) => Guard(path, "removed", () =>
    {
        if (!File.Exists(path))
            return 0;
        File.Delete(path);
        var top = Path.GetFullPath(root);
        for (var folder = FolderOf(path); folder.Length > top.Length && folder.StartsWith(top, StringComparison.Ordinal)
            && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = FolderOf(folder))
            Directory.Delete(folder);
        return 0;
    });

    public void CheckWritable(string path)
    {
        if (path == StandardStream)
            return;
        if (PipeInput.IsPipe(path))
        {
            PipeOutput.CheckWritable(path);
            return;
        }
        path = BehindLinks(path);
        // a check leaves nothing behind, so folders that are still missing are not made
        var folder = IsFolder(path) ? path : FolderOf(path);
        while (!Directory.Exists(folder) && Path.GetDirectoryName(Path.GetFullPath(folder)) is { } above)
            folder = above;
        Stage(Path.Combine(folder, "nebula-check"), "check").Dispose();
    }

    public IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken)
    {
        if (GoesOutAtOnce(path))
            return Nothing.Held;
        // the same step of the same run may run twice at a time: its own lock is nobody else's
        var own = StagedPathOf($"{path}{IObjectStore.PartMark}lock", runId);
        DiscardLeftovers(pattern == path ? BehindLinks(path) : path, runId);
        // a file is open while it is written, which is claim enough; of several those that are complete are not, so one more tells other runs that they are
        // somebody's
        if (pattern == path)
            return Nothing.Held;
        for (var isGone = false; ;)
        {
            try
            {
                return StageWhole($"{path}{IObjectStore.PartMark}lock", runId);
            }
            catch (NebulaException e) when (e is { Kind: ErrorKind.Transient, InnerException: IOException } && (File.Exists(own) || !isGone))
            {
                // another process of the same run had it, and gave it back just now
                isGone = !File.Exists(own);
                if (isGone)
                    continue;
                if (!goesOn)
                    return Nothing.Held;
            }
            // it publishes just what this one is to publish
            Pause(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public IStagedObject Stage(string path, string runId, int? chunkIndex = null) => Limited(StageWhole(path, runId, chunkIndex));

    private static IStagedObject StageWhole(string path, string runId, int? chunkIndex = null)
    {
        if (path == StandardStream)
            return new StandardOutput();
        if (PipeInput.IsPipe(path))
            return new PipeOutput(path);
        path = BehindLinks(path);
        return Guard<IStagedObject>(path, "written", () =>
        {
            if (Directory.Exists(path))
                throw NebulaException.Configuration($"'{path}' is a folder. Give the path of a file in it.");
            Directory.CreateDirectory(FolderOf(path));
            return new StagedFile(StagedPathOf(chunkIndex is null ? path : $"{path}{IObjectStore.PartMark}{chunkIndex}", runId));
        });
    }

    public IStagedObject Continue(string staged)
    {
        var location = StagedLocation.Parse(staged);
        return Limited(Guard<IStagedObject>(location.Path, "written", () => new StagedFile(location)));
    }

    public bool Publish(IReadOnlyList<string> staged, string path, string token)
    {
        if (staged.Count != 1)
            throw new NotSupportedException("Local files are not joined.");
        var location = StagedLocation.Parse(staged[0]);
        path = BehindLinks(path);
        return Guard(path, "written", () =>
        {
            Directory.CreateDirectory(FolderOf(path));
            try
            {
                using (var file = File.OpenHandle(location.Path, FileMode.Open, FileAccess.ReadWrite))
                {
                    // another attempt at the same chunk may have written it again: in part, if it died, or else with the same bytes
                    if (RandomAccess.GetLength(file) is var length && length != location.Length)
                        throw new NebulaException(ErrorKind.Fatal,
                            $"'{location.Path}' was staged with {location.Length} bytes and has {length} now. Someone changed it: start the run again.");
                    File.SetLastWriteTimeUtc(file, new DateTime(location.ModifiedTicks, DateTimeKind.Utc));
                    RandomAccess.FlushToDisk(file);
                }
                File.Move(location.Path, path, overwrite: true);
                return true;
            }
            catch (FileNotFoundException)
            {
                // an earlier attempt has published it, or one that runs at the same time
            }
            // renaming keeps the time: what is there can only be this version
            var target = new FileInfo(path);
            return !(target.Exists && target.Length == location.Length && target.LastWriteTimeUtc.Ticks == location.ModifiedTicks)
                ? throw new NebulaException(ErrorKind.Fatal,
                    $"'{path}' cannot be published: what was staged as '{location.Path}' is gone, and the file that is there is another one. "
                    + "Somebody removed it, or another run has written the file since. Run again.")
                : false;
        });
    }

    public IReadOnlyList<string> FindAbandoned(string path, string pattern, string runId, IEnumerable<string> staged)
    {
        // those of other runs that died are gone since the claim; if one is there, its run has come since
        var published = staged.Select(static location => Path.GetFullPath(StagedLocation.Parse(location).Path)).ToHashSet(StringComparer.Ordinal);
        var ownLock = StagedPathOf($"{path}{IObjectStore.PartMark}lock", runId);
        return [.. FindStaged(pattern == path ? BehindLinks(path) : path)
            .Where(found => found.EndsWith(EndOf(runId), StringComparison.Ordinal) && found != ownLock && !published.Contains(found))
            .Select(static found => new StagedLocation(found, 0, 0).Render())];
    }

    public void Discard(string staged)
    {
        var path = StagedLocation.Parse(staged).Path;
        Guard(path, "removed", () =>
        {
            if (Directory.Exists(FolderOf(path)))
                File.Delete(path);
            return 0;
        });
    }

    public SmallObject? ReadSmall(string path) => Guard(path, "read", () =>
    {
        if (!File.Exists(path))
            return null;
        var content = File.ReadAllBytes(path);
        return new SmallObject(content, VersionOf(content));
    });

    public SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId)
    {
        // whoever stages holds the temporary file for itself alone
        using var staged = StageWhole(path, runId);
        if (ReadSmall(path)?.Version != expected?.Version)
            throw new NebulaException(ErrorKind.Locked, $"'{path}' was changed by another run meanwhile. Wait for that run, or write to another path.");
        staged.Write(content.Span);
        staged.Complete();
        Publish([staged.Location], path, runId);
        return new SmallObject(content, VersionOf(content.Span));
    }

    public void Dispose()
    {
    }

    private IStagedObject Limited(IStagedObject staged) => limit is null ? staged : new LimitedOutput(staged, limit);

    /// <summary>Turns the system's errors into ones that say what to do.</summary>
    internal static T Guard<T>(string path, string verb, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw Failure(path, verb, e);
        }
    }

    /// <summary>Says what a failure of the system means for the user.</summary>
    internal static NebulaException Failure(string path, string verb, Exception e) => e switch
    {
        UnauthorizedAccessException =>
            new NebulaException(ErrorKind.Permission, $"'{path}' must not be {verb}: permission denied. Change its rights or run as another user.", inner: e),
        FileNotFoundException or DirectoryNotFoundException => new NebulaException(ErrorKind.NotFound, $"'{path}' does not exist.", inner: e),
        _ => new NebulaException(ErrorKind.Transient, $"'{path}' cannot be {verb}: {e.Message}", inner: e),
    };

    /// <summary>Removes what other runs that died have left of a target.</summary>
    private static void DiscardLeftovers(string path, string runId)
    {
        var leftovers = FindStaged(path).Where(staged => !staged.EndsWith(EndOf(runId), StringComparison.Ordinal)).ToList();
        // none goes before all are known to be nobody's: of a run's parts only some are open
        foreach (var staged in leftovers)
            try
            {
                // a run that lives holds its file open for itself alone
                new FileStream(staged, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            }
            catch (FileNotFoundException)
            {
                // another process of this run has removed it
            }
            catch (IOException)
            {
                throw new NebulaException(ErrorKind.Locked,
                    $"Another run is writing '{path}' now (it holds '{staged}'). Wait for it, or write to another path.");
            }
        foreach (var staged in leftovers)
            File.Delete(staged);
    }

    /// <summary>Finds what any run has staged of a target, as full paths.</summary>
    private static IEnumerable<string> FindStaged(string path) => !Directory.Exists(FolderOf(path)) ? []
        : Directory.EnumerateFiles(FolderOf(path), $"*{StagedSuffix}", new EnumerationOptions { AttributesToSkip = 0 })
            .Where(staged => IsStagedOf(Path.GetFileName(path), Path.GetFileName(staged)));

    /// <summary>Where the links that a path names lead: the file there is replaced, the links stay. A link to nothing leads to the file that will be.</summary>
    private static string BehindLinks(string path) => Guard(path, "written", () =>
    {
        var file = new FileInfo(Path.GetFullPath(path));
        return file.LinkTarget is null ? path : file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
    });

    private static string VersionOf(FileInfo file) => VersionOf(file.LastWriteTimeUtc, file.Length);

    private static string VersionOf(DateTime modified, long length) => $"{modified.Ticks:x}-{length:x}";

    private static void Require(StoredObject file, SafeFileHandle handle)
    {
        if (file.Version is { } version && VersionOf(File.GetLastWriteTimeUtc(handle), RandomAccess.GetLength(handle)) != version)
            throw new NebulaException(ErrorKind.Data,
                $"'{file.Path}' was changed since it was looked at: its rows would be of two versions. Run again, when nobody writes to it any more.");
    }

    private static string VersionOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static string StagedPathOf(string path, string runId) => Path.Combine(FolderOf(path), $".{Path.GetFileName(path)}{EndOf(runId)}");

    // without points, so that leftovers of 'a' are told from those of 'a.csv'
    private static string EndOf(string runId) => $".{runId.Replace('.', '-')}{StagedSuffix}";

    /// <summary>Whether a file is a staged version of an object or of a part of it: <c>.name.RUN</c>, <c>.name#part.RUN</c>. Identities of runs have no
    /// points.</summary>
    private static bool IsStagedOf(string name, string staged)
    {
        if (!staged.StartsWith($".{name}", StringComparison.Ordinal))
            return false;
        var rest = staged.AsSpan(1 + name.Length, Math.Max(0, staged.Length - 1 - name.Length - StagedSuffix.Length));
        var run = rest.LastIndexOf('.');
        return run == 0 || (run > 0 && rest[0] == IObjectStore.PartMark && !rest[..run].Contains('.'));
    }

    /// <summary>Whether files are in folders named after values: <c>country=DE</c>.</summary>
    private static bool HasPartitions(string folder) => Directory.EnumerateDirectories(folder, "*=*").Any();

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";

    private sealed class Nothing : IDisposable
    {
        public static readonly Nothing Held = new();

        public void Dispose()
        {
        }
    }
}
