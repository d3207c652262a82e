using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Orchestration.Planning;

/// <summary>Checks what the capture of a run's streams needs.</summary>
public static class CaptureChecks
{
    /// <summary>Runs the checks, log by log.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>What was found; nothing when no stream is captured.</returns>
    /// <exception cref="NebulaException">Source or destination cannot be reached.</exception>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(RunPlan plan, CancellationToken cancellationToken)
    {
        var results = new List<CheckResult>();
        foreach (var log in plan.Jobs.Where(static job => job.Request.Capture is not null).GroupBy(static job => job.Request.Capture!.Log))
        {
            var jobs = log.ToList();
            var source = (IChangeSource)jobs[0].OpenSource();
            await using (source.ConfigureAwait(false))
            {
                var streams = new List<StreamPlan>(jobs.Count);
                foreach (var job in jobs)
                {
                    var destination = job.OpenDestination();
                    await using (destination.ConfigureAwait(false))
                        try
                        {
                            var run = new StreamRun(source, destination, job.Options, BufferPool.Shared, plan.RunId);
                            streams.Add(await run.PlanAsync(job.Request, readEverything: false, cancellationToken).ConfigureAwait(false));
                            if (job.Request.Capture!.OnPositionLost == PositionLoss.Repair)
                                results.Add(await CompareAsync((IRangeHashes)source, (IRangeHashes)destination, streams[^1], cancellationToken)
                                    .ConfigureAwait(false));
                        }
                        catch (NebulaException e) when (e.Kind is ErrorKind.Configuration or ErrorKind.Schema)
                        {
                            results.Add(new CheckResult(job.Name, false, e.Message));
                        }
                }
                if (streams.Count > 0)
                    results.AddRange(await source.CheckChangesAsync(streams, cancellationToken).ConfigureAwait(false));
            }
        }
        return results;
    }

    /// <summary>Tries whether a stream could be repaired: opens it on both sides, and hashes nothing.</summary>
    private static async Task<CheckResult> CompareAsync(
        IRangeHashes source, IRangeHashes destination, StreamPlan plan, CancellationToken cancellationToken)
    {
        var name = $"repair of {plan.Stream.Name}";
        try
        {
            var there = await destination.OpenHashesAsync(plan, null, cancellationToken).ConfigureAwait(false);
            await using (there.ConfigureAwait(false))
                await (await source.OpenHashesAsync(plan, there.Columns, cancellationToken).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            return new CheckResult(name, true, "source and target can be compared");
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.NotFound)
        {
            return new CheckResult(name, true, "the target has nothing to compare yet");
        }
        catch (NebulaException e)
        {
            return new CheckResult(name, false, e.Message);
        }
    }
}
