using Nebula.Cli.Output;
using Nebula.Connectors.Files;
using Nebula.Engine.Connectors;

namespace Nebula.Cli;

/// <summary>What every command works with.</summary>
internal sealed class CommandContext(Terminal terminal, TextWriter output, CancellationToken interruption)
{
    private ConnectorRegistry? _connectors;

    /// <summary>Standard error, for people.</summary>
    public Terminal Terminal { get; } = terminal;

    /// <summary>Standard output, for what was asked for.</summary>
    public TextWriter Output { get; } = output;

    /// <summary>What happens inside.</summary>
    public Log Log { get; } = new(terminal);

    /// <summary>Cancelled when the user or the system wants the process to end.</summary>
    public CancellationToken Interruption { get; } = interruption;

    /// <summary>The connectors that this program knows.</summary>
    public ConnectorRegistry Connectors => _connectors ??= new ConnectorRegistry().AddFiles();
}
