namespace Nebula.Orchestration.Tests;

internal static class Program
{
    private static int Main() => 0;
}
