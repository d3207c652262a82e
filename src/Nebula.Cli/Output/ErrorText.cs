using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Output;

/// <summary>Errors as people see them: what, where, and what to do; never a stack trace unless it was asked for.</summary>
internal static class ErrorText
{
    /// <summary>Writes an error.</summary>
    public static void Write(Terminal terminal, Log log, Exception error)
    {
        switch (error)
        {
            case NebulaException nebula:
                terminal.WriteLine($"{terminal.With(Paint.Bad, "error:")} {log.Redact(nebula.Reason)}");
                if (nebula.Location is { } location)
                    terminal.WriteLine($"  at {log.Redact(location.ToString())}");
                break;
            case OutOfMemoryException:
                const string Advice = "The memory allowed is used up. Allow more (--memory, limits.memory), or use fewer workers.";
                terminal.WriteLine($"{terminal.With(Paint.Bad, "error:")} {Advice}");
                break;
            default:
                terminal.WriteLine($"{terminal.With(Paint.Bad, "internal error:")} {error.GetType().Name}: {log.Redact(error.Message)}");
                terminal.WriteLine($"  This is a defect in Nebula {Commands.VersionCommand.Version}. Please report it with the command you ran;");
                terminal.WriteLine("  --log-level debug shows where it happened.");
                break;
        }
        log.Write(LoggingLevel.Debug, error.ToString());
    }
}
