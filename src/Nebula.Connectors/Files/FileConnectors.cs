using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Makes files available as source and destination: under the name of each format, and as <c>file</c> for whatever the files' names say.</summary>
public static class FileConnectors
{
    private static readonly Dictionary<string, string[]> Aliases = new() { ["csv"] = ["tsv"], ["json"] = ["jsonl", "ndjson"] };

    /// <summary>Adds the connectors <c>file</c>, <c>csv</c> and so on.</summary>
    /// <param name="connectors">Takes them.</param>
    public static ConnectorRegistry AddFiles(this ConnectorRegistry connectors) => AddFiles(connectors, ObjectStoreCatalog.Open);

    /// <summary>Adds them with other stores.</summary>
    /// <param name="connectors">Takes them.</param>
    /// <param name="open">Opens the store of a connection.</param>
    internal static ConnectorRegistry AddFiles(this ConnectorRegistry connectors, Func<OptionValues, IObjectStore> open)
    {
        connectors.Add(Describe("file", "Files of any format, by their names", null, [], open));
        foreach (var format in FileFormats.All)
            connectors.Add(Describe(format.Name, format.Summary, format, Aliases.GetValueOrDefault(format.Name) ?? [], open));
        return connectors;
    }

    private static ConnectorDescriptor Describe(string name, string summary, IFileFormat? format, string[] aliases, Func<OptionValues, IObjectStore> open) =>
        new(name, summary)
        {
            Aliases = aliases,
            SourceOptions = FileOptions.ForSource(format),
            DestinationOptions = FileOptions.ForDestination(format),
            CreateSource = options => new FileSource(options, format, open(options)),
            CreateDestination = options => new FileDestination(options, format, open(options)),
        };
}
