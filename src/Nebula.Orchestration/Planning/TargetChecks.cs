using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Planning;

/// <summary>Checks what it takes to write the streams of a run.</summary>
public static class TargetChecks
{
    /// <summary>Runs the checks, destination by destination.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="NebulaException">A destination cannot be reached.</exception>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(RunPlan plan, CancellationToken cancellationToken)
    {
        var results = new List<CheckResult>();
        foreach (var target in plan.Jobs.GroupBy(static job => job.TargetKey, StringComparer.Ordinal))
        {
            var destination = target.First().OpenDestination();
            await using (destination.ConfigureAwait(false))
                results.AddRange(await destination.CheckStreamsAsync(
                    [.. target.Select(job => TargetOf(job, destination.Capabilities))], cancellationToken).ConfigureAwait(false));
        }
        return results;
    }

    private static StreamTarget TargetOf(StreamJob job, DestinationCapabilities capabilities) =>
        new(job.Name, job.Request.Object, job.Request.WriteInto(capabilities), job.Request.Capture);
}
