using System.Globalization;

namespace Nebula.Delivery.Tests;

/// <summary>The process that the tests start: it runs a pipeline and kills itself at a step.</summary>
internal static class Program
{
    /// <summary>What the process returns when it came to the end without reaching the step.</summary>
    public const int NotReached = 3;

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [var folder, var step, var occurrence])
            return 2;
        await SteppedRun.RunAsync(folder, new Steps(step, int.Parse(occurrence, CultureInfo.InvariantCulture)));
        return NotReached;
    }
}
