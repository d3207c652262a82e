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
    public static ConnectorRegistry AddFiles(this ConnectorRegistry connectors)
    {
        connectors.Add(Describe("file", "Files of any format, by their names", null, []));
        foreach (var format in FileFormats.All)
            connectors.Add(Describe(format.Name, format.Summary, format, Aliases.GetValueOrDefault(format.Name) ?? []));
        return connectors;
    }

    private static ConnectorDescriptor Describe(string name, string summary, IFileFormat? format, string[] aliases) => new(name, summary)
    {
        Aliases = aliases,
        SourceOptions = FileOptions.ForSource(format),
        DestinationOptions = FileOptions.ForDestination(format),
        CreateSource = options => new FileSource(options, format, ObjectStoreCatalog.Open(options)),
        CreateDestination = options => new FileDestination(options, format, ObjectStoreCatalog.Open(options)),
    };
}
