using Nebula.Connectors.ObjectStores.AzureBlob;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Connectors.ObjectStores.S3;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores;

/// <summary>The stores that this program knows, each by the schemes of its URLs. Paths without a scheme are files of this machine.</summary>
internal static class ObjectStoreCatalog
{
    private const string Endpoint = "endpoint";
    private static readonly Store Local = new(["file"], [], static (path, options) => new LocalStore(RateLimit.Of(options, path)));
    private static readonly Store[] Remote =
    [
        new(AzureBlobPath.Schemes, AzureBlobOptions.Descriptors, OpenAzure),
        new(S3Path.Schemes, S3Options.Descriptors, OpenS3),
    ];

    // of Google Cloud Storage
    private static readonly string[] Planned = ["gs", "gcs"];

    private static readonly OptionDescriptor EndpointOption = new(Endpoint, OptionKind.Text,
        "Azure, S3: address of the service, for emulators and compatible services; else that of the account or region.");

    /// <summary>What can be set on connections whose paths are URLs.</summary>
    public static IReadOnlyList<OptionDescriptor> Options { get; } = [EndpointOption, .. Remote.SelectMany(static store => store.Options)];

    /// <summary>Opens the store of a connection's path.</summary>
    /// <param name="options">What the user set.</param>
    /// <exception cref="NebulaException">The path's scheme is none that is known, or an option is wrong.</exception>
    public static IObjectStore Open(OptionValues options)
    {
        var path = options.Text("path")!;
        var scheme = ObjectPath.SchemeOf(path);
        var store = scheme is null ? Local : Remote.Append(Local).FirstOrDefault(known => known.Schemes.Contains(scheme))
            ?? throw NebulaException.Configuration(
            Planned.Contains(scheme) ? $"Google Cloud Storage ('{scheme}://') is not supported yet."
            : $"'{scheme}://' is no store that Nebula knows.{Suggestion.For(scheme, Remote.Append(Local).SelectMany(static known => known.Schemes))}",
                options.LocationOf("path"));
        foreach (var option in Options)
            if (options.IsSet(option.Name) && !store.Options.Contains(option) && (option != EndpointOption || store == Local))
                throw NebulaException.Configuration(
                    $"Option '{option.Name}' of {options.Owner} says nothing about '{AzureBlobPath.Shown(path)}'. "
                    + "It is for paths that begin with "
                    + string.Join(" or ", Remote.Where(known => option == EndpointOption || known.Options.Contains(option))
                        .Select(static known => $"{known.Schemes[0]}://"))
                    + ".",
                    options.LocationOf(option.Name));
        return store.Open(path, options);
    }

    private static RemoteStore OpenAzure(string path, OptionValues options) =>
        new(new AzureBlobBackend(AzureBlobOptions.Open(AzureBlobPath.Parse(path), options, options.Text(Endpoint))), static path =>
            AzureBlobPath.Parse(path).Canonical);

    private static RemoteStore OpenS3(string path, OptionValues options)
    {
        var parsed = S3Path.Parse(path);
        return new RemoteStore(new S3Backend(S3Options.Open(parsed.Bucket, options, options.Text(Endpoint)), parsed.Bucket), static path => S3Path.Parse(path).Canonical);
    }

    /// <summary>A store.</summary>
    /// <param name="Schemes">What its URLs begin with.</param>
    /// <param name="Options">What can be set on it.</param>
    /// <param name="Open">Opens it.</param>
    private sealed record Store(IReadOnlyList<string> Schemes, IReadOnlyList<OptionDescriptor> Options, Func<string, OptionValues, IObjectStore> Open);
}
