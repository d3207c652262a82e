using Nebula.Cli.Output;
using Nebula.Connectors;
using Nebula.Connectors.Files;
using Nebula.Connectors.PostgreSql;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;

namespace Nebula.Cli;

/// <summary>What every command works with.</summary>
internal sealed class CommandContext(Terminal terminal, TextWriter output, CancellationToken interruption)
{
    private ConnectorRegistry? _connectors;
    private ConfigEnvironment? _environment;

    /// <summary>Standard error, for people.</summary>
    public Terminal Terminal { get; } = terminal;

    /// <summary>Standard output, for what was asked for.</summary>
    public TextWriter Output { get; } = output;

    /// <summary>Columns of the window that standard output is shown in; null where it goes to a program or a file, which take lines of any length.</summary>
    public int? OutputWidth => Console.IsOutputRedirected ? null : Terminal.Width;

    /// <summary>What happens inside.</summary>
    public Log Log { get; } = new(terminal);

    /// <summary>What <c>--log-level</c> says; null when it is absent.</summary>
    public LoggingLevel? LogLevelFlag { get; set; }

    /// <summary>What surrounds pipeline files. Secrets found in them are taken out of all that is shown.</summary>
    public ConfigEnvironment Environment => _environment ??= CreateEnvironment();

    /// <summary>Cancelled when the user or the system wants the process to end.</summary>
    public CancellationToken Interruption { get; } = interruption;

    /// <summary>The connectors that this program knows.</summary>
    public ConnectorRegistry Connectors => _connectors ??= new ConnectorRegistry().AddFiles().AddPostgreSql().AddPlanned();

    private ConfigEnvironment CreateEnvironment()
    {
        var environment = new ConfigEnvironment();
        Log.Redact = environment.Secrets.Redact;
        return environment;
    }
}
