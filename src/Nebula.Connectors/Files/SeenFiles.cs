using System.Globalization;
using System.Text;
using Nebula.Connectors.ObjectStores;

namespace Nebula.Connectors.Files;

/// <summary>The files that were loaded already, by name and version: the position of an incremental load. A file is 11 characters of it.</summary>
internal sealed class SeenFiles
{
    private const int Length = 11;
    private readonly HashSet<string> _seen;

    private SeenFiles(HashSet<string> seen) => _seen = seen;

    /// <summary>Reads a position.</summary>
    /// <param name="position">What <see cref="With"/> gave; empty for no file.</param>
    public static SeenFiles Parse(string position)
    {
        var seen = new HashSet<string>(position.Length / Length, StringComparer.Ordinal);
        for (var i = 0; i + Length <= position.Length; i += Length)
            seen.Add(position.Substring(i, Length));
        return new SeenFiles(seen);
    }

    /// <summary>Whether a file was loaded, in the version that it has.</summary>
    public bool Contains(StoredObject file) => _seen.Contains(KeyOf(file));

    /// <summary>The position with more files.</summary>
    /// <param name="files">The files.</param>
    public string With(IEnumerable<StoredObject> files)
    {
        var keys = new List<string>(_seen);
        keys.AddRange(files.Select(KeyOf).Where(key => !_seen.Contains(key)));
        keys.Sort(StringComparer.Ordinal);
        return string.Concat(keys);
    }

    private static string KeyOf(StoredObject file)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{file.Name}\0{file.Version}\0{file.Size}");
        Span<byte> hash = stackalloc byte[32];
        System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return Convert.ToBase64String(hash[..8])[..Length];
    }
}
