using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.State;

/// <summary>A state store in a folder: a file per document, replaced by renaming. Writers of all processes take turns by a lock file.</summary>
/// <param name="directory">The folder; made when the first document is written.</param>
public sealed class LocalStateStore(string directory) : IStateStore, IDisposable
{
    private const string Suffix = ".json";
    private const int MaxLockWait = 20;
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(30);
    private readonly string _directory = Path.GetFullPath(directory);
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <inheritdoc/>
    public Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        return Guard(key, () => Task.FromResult(Read(PathOf(key))));
    }

    /// <inheritdoc/>
    public Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        return Guard(key, async () =>
        {
            var path = PathOf(key);
            var temporary = Stage(path, content.Span);
            try
            {
                await ReplaceAsync(temporary, path, key, condition.ETag, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
            return ETagOf(content.Span);
        });
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var folder = prefix.LastIndexOf('/') is > 0 and var end ? Path.Combine(_directory, Encode(prefix[..end])) : _directory;
        if (!Directory.Exists(folder))
            yield break;
        var keys = await Guard(prefix, () => Task.FromResult(Directory.EnumerateFiles(folder, "*" + Suffix, SearchOption.AllDirectories)
            .Select(KeyOf).Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList())).ConfigureAwait(false);
        foreach (var key in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return key;
        }
    }

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(string key, CancellationToken cancellationToken)
    {
        StateKeys.Check(key);
        return Guard(key, async () =>
        {
            var path = PathOf(key);
            if (!File.Exists(path))
                return false;
            // whoever replaces a document has read it before: it must not go in between
            using var held = await LockAsync(cancellationToken).ConfigureAwait(false);
            File.Delete(path);
            return true;
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    private static StateEntry? Read(string path)
    {
        // looked for often where it is not, and an exception costs more than a look
        if (!File.Exists(path))
            return null;
        try
        {
            var content = File.ReadAllBytes(path);
            return new StateEntry(content, ETagOf(content));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string ETagOf(ReadOnlySpan<byte> content) => Hash128.Of(content).ToString();

    private static string Stage(string path, ReadOnlySpan<byte> content)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
            Directory.CreateDirectory(folder);
        using var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.Write(handle, content, 0);
        return temporary;
    }

    private static async Task<T> Guard<T>(string key, Func<Task<T>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new NebulaException(ErrorKind.Permission, $"The state '{key}' cannot be read or written: {e.Message}", inner: e);
        }
        catch (IOException e)
        {
            throw new NebulaException(ErrorKind.Transient, $"The state '{key}' cannot be read or written: {e.Message}", inner: e);
        }
    }

    /// <summary>Names may have any character; a folder must not look like a document.</summary>
    private static string Encode(string key)
    {
        var encoded = new StringBuilder(key.Length);
        foreach (var b in Encoding.UTF8.GetBytes(key))
            _ = char.IsAsciiLetterOrDigit((char)b) || "-_=/,+@".Contains((char)b)
                ? encoded.Append((char)b)
                : encoded.Append('%').Append(b.ToString("x2", CultureInfo.InvariantCulture));
        return encoded.ToString();
    }

    private string PathOf(string key) => Path.Combine(_directory, Encode(key) + Suffix);

    private string KeyOf(string path) =>
        Uri.UnescapeDataString(Path.GetRelativePath(_directory, path)[..^Suffix.Length].Replace(Path.DirectorySeparatorChar, '/'));

    private async Task ReplaceAsync(string temporary, string path, string key, string? expected, CancellationToken cancellationToken)
    {
        using var held = await LockAsync(cancellationToken).ConfigureAwait(false);
        if (expected is not null && (Read(path)?.ETag ?? "") != expected)
            throw new StateConflictException(key);
        File.Move(temporary, path, overwrite: true);
    }

    private async Task<IDisposable> LockAsync(CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var wait = 1; ; wait = Math.Min(wait * 2, MaxLockWait))
            {
                try
                {
                    return new Held(File.OpenHandle(Path.Combine(_directory, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), _writing);
                }
                catch (IOException) when (TimeProvider.System.GetElapsedTime(start) < LockTimeout)
                {
                    await Task.Delay(wait, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch
        {
            _writing.Release();
            throw;
        }
    }

    private sealed class Held(IDisposable file, SemaphoreSlim writing) : IDisposable
    {
        public void Dispose()
        {
            file.Dispose();
            writing.Release();
        }
    }
}
