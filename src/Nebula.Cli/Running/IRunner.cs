using Nebula.Cli.Output;

namespace Nebula.Cli.Running;

/// <summary>A way to run the streams of a plan.</summary>
internal interface IRunner
{
    /// <summary>Runs all streams to their ends, which the streams tell: nothing is thrown for one that fails.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="display">Shows them.</param>
    /// <param name="limits">What ends the run before its time.</param>
    Task RunAsync(IReadOnlyList<StreamExecution> streams, IRunDisplay display, RunLimits limits);
}
