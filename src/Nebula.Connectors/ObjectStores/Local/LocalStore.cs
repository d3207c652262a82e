using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>Files of this machine; <c>-</c> is standard input or output.</summary>
internal sealed class LocalStore : IObjectStore
{
    /// <summary>The name of standard input and output.</summary>
    public const string StandardStream = "-";

    /// <summary>The ending of files that tell what a run wrote; they are no data.</summary>
    public const string ManifestSuffix = ".nebula-parts";

    private const string StagedSuffix = ".nebula-tmp";

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken)
    {
        if (pattern == StandardStream)
            return Task.FromResult<IReadOnlyList<StoredObject>>([new StoredObject(pattern, "stdin", null)]);
        if (!Glob.IsWildcard(pattern))
        {
            if (Directory.Exists(pattern))
                return ListAsync(Path.Combine(pattern, HasPartitions(pattern) ? "**/*" : "*"), cancellationToken);
            var file = new FileInfo(pattern);
            // a pipe or a device shows a size of 0, which says nothing
            return Task.FromResult<IReadOnlyList<StoredObject>>(!file.Exists ? [] : [new StoredObject(pattern, file.Name, file.Length > 0 ? file.Length : null)]);
        }
        var (root, rest) = Glob.Split(pattern);
        if (!Directory.Exists(root))
            return Task.FromResult<IReadOnlyList<StoredObject>>([]);
        var found = new List<StoredObject>();
        var options = new EnumerationOptions { RecurseSubdirectories = rest.Contains('/'), IgnoreInaccessible = false, AttributesToSkip = 0 };
        foreach (var path in Directory.EnumerateFiles(root, "*", options))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(root, path).Replace('\\', '/');
            if (Glob.Matches(rest, name) && !name.EndsWith(StagedSuffix, StringComparison.Ordinal) && !name.EndsWith(ManifestSuffix, StringComparison.Ordinal))
                found.Add(new StoredObject(path, name, new FileInfo(path).Length));
        }
        found.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return Task.FromResult<IReadOnlyList<StoredObject>>(found);
    }

    public bool ComesOnce(string path) => path == StandardStream || PipeInput.IsPipe(path);

    public Stream OpenRead(string path)
    {
        if (path == StandardStream)
            return new StandardInput();
        if (PipeInput.IsPipe(path))
            return Guard(path, "read", () => new PipeInput(path));
        return Guard(path, "read", () => new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            Options = FileOptions.SequentialScan,
        }));
    }

    public IRandomAccess OpenRandom(string path) => Guard(path, "read", () =>
    {
        if (Directory.Exists(path))
            throw NebulaException.Configuration($"'{path}' is a folder.");
        return new LocalBytes(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess));
    });

    public bool Exists(string path) => File.Exists(path);

    public void Delete(string path, string root) => Guard(path, "removed", () =>
    {
        if (!File.Exists(path))
            return 0;
        File.Delete(path);
        var top = Path.GetFullPath(root);
        for (var folder = FolderOf(path); folder.Length > top.Length && folder.StartsWith(top, StringComparison.Ordinal) && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = FolderOf(folder))
            Directory.Delete(folder);
        return 0;
    });

    public IStagedObject Stage(string path, string runId)
    {
        if (path == StandardStream)
            return new StandardOutput();
        return Guard<IStagedObject>(path, "written", () =>
        {
            if (Directory.Exists(path))
                throw NebulaException.Configuration($"'{path}' is a folder. Give the path of a file in it.");
            var folder = FolderOf(path);
            Directory.CreateDirectory(folder);
            // without points, so that leftovers of 'a' are told from those of 'a.csv'
            return new StagedFile(Path.Combine(folder, $".{Path.GetFileName(path)}.{runId.Replace('.', '-')}{StagedSuffix}"));
        });
    }

    public bool Continues => true;

    public IStagedObject Continue(string staged, long length) => Guard<IStagedObject>(staged, "written", () => new StagedFile(staged, length));

    public void Publish(string staged, string path) => Guard(path, "written", () =>
    {
        Directory.CreateDirectory(FolderOf(path));
        File.Move(staged, path, overwrite: true);
        return 0;
    });

    public void Discard(string staged) => Guard(staged, "removed", () =>
    {
        File.Delete(staged);
        return 0;
    });

    public void DiscardLeftovers(string path)
    {
        if (path == StandardStream || !Directory.Exists(FolderOf(path)))
            return;
        var leftovers = Directory.EnumerateFiles(FolderOf(path), $"*{StagedSuffix}", new EnumerationOptions { AttributesToSkip = 0 })
            .Where(staged => IsStagedOf(Path.GetFileName(path), Path.GetFileName(staged))).ToList();
        // none goes before all are known to be nobody's: of a run's parts only some are open
        foreach (var staged in leftovers)
            try
            {
                // a run that lives holds its file open for itself alone
                new FileStream(staged, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            }
            catch (IOException)
            {
                throw new NebulaException(ErrorKind.Locked, $"Another run is writing '{path}' now (it holds '{staged}'). Wait for it, or write to another path.");
            }
        foreach (var staged in leftovers)
            File.Delete(staged);
    }

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
        UnauthorizedAccessException => new NebulaException(ErrorKind.Permission, $"'{path}' must not be {verb}: permission denied. Change its rights or run as another user.", inner: e),
        FileNotFoundException or DirectoryNotFoundException => new NebulaException(ErrorKind.NotFound, $"'{path}' does not exist.", inner: e),
        _ => new NebulaException(ErrorKind.Transient, $"'{path}' cannot be {verb}: {e.Message}", inner: e),
    };

    /// <summary>Whether a file is a staged version of an object or of a part of it: <c>.name.RUN</c>, <c>.name#part.RUN</c>. Identities of runs have no points.</summary>
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
}
