using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Running;

/// <summary>What ends a run before its time.</summary>
/// <param name="Timeout">Longest time that the run may take; null for any.</param>
/// <param name="Stop">Cancelled by either of the others.</param>
/// <param name="Interruption">Cancelled when the user or the system wants the process to end.</param>
internal readonly record struct RunLimits(TimeSpan? Timeout, CancellationToken Stop, CancellationToken Interruption)
{
    /// <summary>The error of a run that took too long.</summary>
    public NebulaException TimedOut() => new(
        ErrorKind.Limit, $"The run took longer than {Units.FormatDuration(Timeout!.Value)}, which is all it may take (--timeout, timeouts.run).");
}
