using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>Where an object of S3 is: <c>s3://bucket/key</c>.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Key">The key, a folder or a wildcard; not escaped.</param>
internal sealed record S3Path(string Bucket, string Key)
{
    /// <summary>The schemes of such paths.</summary>
    public static IReadOnlyList<string> Schemes { get; } = ["s3", "s3a"];

    /// <summary>The path in the one form that the rest of the program sees.</summary>
    public string Canonical => Key.Length == 0 ? $"s3://{Bucket}" : $"s3://{Bucket}/{Key}";

    /// <summary>Reads a path.</summary>
    /// <param name="path">The path as the user wrote it.</param>
    /// <exception cref="NebulaException">It is none.</exception>
    public static S3Path Parse(string path)
    {
        var rest = path[(ObjectPath.SchemeOf(path)!.Length + 3)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (bucket, key) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        return bucket.Length > 0 && bucket.AsSpan().IndexOfAny('*', '?', '@') < 0 ? new S3Path(bucket, key)
            : throw NebulaException.Configuration($"'{path}' is no path in S3. Write s3://BUCKET/KEY; only the key may have wildcards.");
    }
}
