using System.Globalization;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Orchestration.Tests;

/// <summary>Tests that kill a process start this one.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments is ["sync", var folder, var killAt]
        ? CrashTests.RunAndKill(folder, int.Parse(killAt, CultureInfo.InvariantCulture))
        : 2;
}
