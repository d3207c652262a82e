namespace Nebula.Connectors.ObjectStores;

/// <summary>The arithmetic of paths, of files and of URLs such as <c>az://container/folder/name</c>. It looks at the text alone.</summary>
internal static class ObjectPath
{
    private const string SchemeEnd = "://";

    /// <summary>The scheme of a URL in lower case; null of a path of files. A letter and a colon are a drive, not a scheme.</summary>
    public static string? SchemeOf(string path)
    {
        var end = path.IndexOf(SchemeEnd, StringComparison.Ordinal);
        return end > 1 && path.AsSpan(0, end).IndexOfAnyExcept(SchemeCharacters) < 0 ? path[..end].ToLowerInvariant() : null;
    }

    /// <summary>The path of something in a folder.</summary>
    /// <param name="folder">The folder, with or without a separator at its end.</param>
    /// <param name="name">A path relative to it.</param>
    public static string Combine(string folder, string name) => SchemeOf(folder) is null ? Path.Combine(folder, name) : $"{folder.TrimEnd('/')}/{name}";

    /// <summary>The last segment of a path.</summary>
    public static string NameOf(string path) => SchemeOf(path) is null ? Path.GetFileName(path) : path[(path.LastIndexOf('/') + 1)..];

    /// <summary>Whether a path ends as those of folders do.</summary>
    public static bool EndsAsFolder(string path) => path.EndsWith('/') || Path.EndsInDirectorySeparator(path);

    /// <summary>
    /// Whether a path below a folder is that of something which programs leave beside data: a segment begins with a point or an underscore, as in Hive and
    /// Spark (<c>_SUCCESS</c>, <c>.part.crc</c>). Keys of partitions may begin so.
    /// </summary>
    public static bool IsMarker(string name) => name.Split('/', '\\').Any(static part => part.StartsWith('.') || (part.StartsWith('_') && !part.Contains('=')));

    /// <summary>Whether a path that others made (names of streams, manifests) stays below the folder that it is appended to.</summary>
    public static bool StaysBelow(string path) =>
        path.Length > 0 && SchemeOf(path) is null && !Path.IsPathRooted(path) && !path.Split('/', '\\').Contains("..");

    private static readonly System.Buffers.SearchValues<char> SchemeCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
}
