using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Samples.Connector;

/// <summary>Numbers and their square roots, made up as they are asked for: the smallest source that does everything a source must.</summary>
internal static class SequenceConnector
{
    /// <summary>Makes the connector available under the name <c>sequence</c>.</summary>
    public static ConnectorRegistry AddSequence(this ConnectorRegistry connectors) =>
        connectors.Add(new ConnectorDescriptor("sequence", "Numbers from 1 and their square roots")
        {
            SourceOptions = [new OptionDescriptor("rows", OptionKind.Integer, "How many rows, 0 or more.", "1000")],
            CreateSource = static options => new SequenceSource(Rows(options)),
        });

    private static long Rows(OptionValues options)
    {
        var rows = options.Integer("rows")!.Value;
        return rows >= 0
            ? rows
            : throw NebulaException.Configuration($"Option 'rows' of {options.Owner} must be 0 or more; it is {rows}.", options.LocationOf("rows"));
    }
}
