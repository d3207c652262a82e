using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>Finds objects by path or wildcard. Only keys that begin as the wildcard does are listed, and deeper folders only where it reaches into
/// them.</summary>
/// <param name="backend">Where the objects are.</param>
internal sealed class RemoteListing(IRemoteBackend backend)
{
    /// <summary>The key of a path.</summary>
    /// <exception cref="NebulaException">It is in another container.</exception>
    public static string KeyOf(IRemoteBackend backend, string path) =>
        path == backend.Root ? ""
        : path.StartsWith(backend.Root, StringComparison.Ordinal) && path[backend.Root.Length] == '/' ? path[(backend.Root.Length + 1)..]
        : throw NebulaException.Configuration($"'{path}' is not in '{backend.Root}'.");

    /// <summary>Finds the objects.</summary>
    /// <param name="pattern">A path or wildcard.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public async Task<IReadOnlyList<StoredObject>> FindAsync(string pattern, CancellationToken cancellationToken)
    {
        if (Glob.IsWildcard(pattern))
            return await MatchAsync(KeyOf(backend, pattern), cancellationToken).ConfigureAwait(false);
        var key = KeyOf(backend, pattern);
        if (key.Length > 0 && !key.EndsWith('/'))
        {
            if (await backend.FindAsync(key, cancellationToken).ConfigureAwait(false) is { } found)
                return [Describe(found, ObjectPath.NameOf(key))];
            key += '/';
        }
        var top = await ListAsync(key, key.Length, recursive: false, null, cancellationToken).ConfigureAwait(false);
        // folders named after values: country=DE
        if (top.Exists(static o => o.Name.EndsWith('/') && o.Name.Contains('=')))
            top = await ListAsync(key, key.Length, recursive: true, null, cancellationToken).ConfigureAwait(false);
        return [.. top.Where(static o => !o.Name.EndsWith('/') && !ObjectPath.IsMarker(o.Name))];
    }

    private async Task<IReadOnlyList<StoredObject>> MatchAsync(string pattern, CancellationToken cancellationToken)
    {
        var wildcard = pattern.AsSpan().IndexOfAny('*', '?');
        var root = pattern.LastIndexOf('/', wildcard) + 1;
        var rest = pattern[root..];
        var listed = await ListAsync(pattern[..wildcard], root, rest.Contains('/') || rest.Contains("**", StringComparison.Ordinal), rest,
            cancellationToken).ConfigureAwait(false);
        return [.. listed.Where(static o => !o.Name.EndsWith('/'))];
    }

    private async Task<List<StoredObject>> ListAsync(string prefix, int root, bool recursive, string? pattern, CancellationToken cancellationToken)
    {
        var found = new List<StoredObject>();
        await foreach (var item in backend.ListAsync(prefix, recursive, cancellationToken).ConfigureAwait(false))
        {
            var name = item.Key[root..];
            if (name.Length == 0 || (recursive && item.IsFolder) || (pattern is not null && !Glob.Matches(pattern, name))
                || name.EndsWith(IObjectStore.StagedSuffix, StringComparison.Ordinal) || name.EndsWith(IObjectStore.ManifestSuffix, StringComparison.Ordinal))
                continue;
            found.Add(Describe(item, name));
        }
        found.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return found;
    }

    private StoredObject Describe(RemoteObject item, string name) => new($"{backend.Root}/{item.Key}", name, item.Size, item.Version);
}
