using System.Diagnostics;

namespace Nebula.Cli.Running;

/// <summary>How the process stands beside others that want the processors.</summary>
internal static class ProcessorPriority
{
    /// <summary>Lets others go first. On Linux that holds for threads that are started after it: it must come before they are.</summary>
    public static void GiveWay()
    {
        using var process = Process.GetCurrentProcess();
        process.PriorityClass = ProcessPriorityClass.BelowNormal;
    }
}
