using System.Globalization;

namespace Nebula.Cli;

/// <summary>What the process took of the machine's memory.</summary>
internal static class ProcessMemory
{
    /// <summary>Most resident bytes at any time.</summary>
    public static long Peak
    {
        get
        {
            if (OperatingSystem.IsLinux() && File.Exists("/proc/self/status"))
                foreach (var line in File.ReadLines("/proc/self/status"))
                    if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                        return 1024 * long.Parse(line.AsSpan(6).TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
