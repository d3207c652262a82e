using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>Files of this machine; <c>-</c> is standard input or output.</summary>
internal sealed class LocalStore : IObjectStore
{
    /// <summary>The name of standard input and output.</summary>
    public const string StandardStream = "-";

    private const string StagedSuffix = ".nebula-tmp";

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken)
    {
        if (pattern == StandardStream)
            return Task.FromResult<IReadOnlyList<StoredObject>>([new StoredObject(pattern, "stdin", null)]);
        if (!Glob.IsWildcard(pattern))
        {
            if (Directory.Exists(pattern))
                return ListAsync(Path.Combine(pattern, "*"), cancellationToken);
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
            if (Glob.Matches(rest, name) && !name.EndsWith(StagedSuffix, StringComparison.Ordinal))
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

    public void Publish(string staged, string path) => Guard(path, "written", () =>
    {
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
        var prefix = $".{Path.GetFileName(path)}.";
        foreach (var staged in Directory.EnumerateFiles(FolderOf(path), $"*{StagedSuffix}", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            var name = Path.GetFileName(staged);
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || name.AsSpan(prefix.Length, name.Length - prefix.Length - StagedSuffix.Length).Contains('.'))
                continue;
            try
            {
                // a run that lives holds its file open for itself alone
                new FileStream(staged, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            }
            catch (IOException)
            {
                throw new NebulaException(ErrorKind.Locked, $"Another run is writing '{path}' now (it holds '{staged}'). Wait for it, or write to another path.");
            }
            File.Delete(staged);
        }
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

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
}
