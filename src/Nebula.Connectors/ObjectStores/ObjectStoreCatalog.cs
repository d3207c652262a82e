using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores;

/// <summary>The stores that this program knows, each by the schemes of its URLs. Paths without a scheme are files of this machine.</summary>
internal static class ObjectStoreCatalog
{
    private static readonly string[] LocalSchemes = ["file"];

    /// <summary>Opens the store of a connection's path.</summary>
    /// <param name="options">What the user set.</param>
    /// <exception cref="NebulaException">The path's scheme is none that is known, or an option is wrong.</exception>
    public static IObjectStore Open(OptionValues options)
    {
        var path = options.Text("path")!;
        return ObjectPath.SchemeOf(path) is not { } scheme || LocalSchemes.Contains(scheme) ? new LocalStore() : throw NebulaException.Configuration(
            $"'{scheme}://' is no store that Nebula knows.{Suggestion.For(scheme, LocalSchemes)}", options.LocationOf("path"));
    }
}
