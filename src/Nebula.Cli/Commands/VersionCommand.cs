using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula version</c>.</summary>
internal sealed class VersionCommand : NebulaCommand
{
    public VersionCommand(CommandContext context)
        : base("version", "Show the version of Nebula and of what it runs on.", context) => Examples = ["nebula version"];

    /// <summary>The version of this program.</summary>
    public static string Version =>
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Shows the version.</summary>
    /// <returns>The exit code.</returns>
    public static int Show(CommandContext context)
    {
        context.Output.WriteLine($"nebula {Version} ({RuntimeInformation.RuntimeIdentifier}, .NET {Environment.Version})");
        return ExitCode.Success;
    }

    protected override int Execute(ParseResult arguments, CommandContext context) => Show(context);
}
