using Nebula.Cli.Output;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;
using StreamResult = Nebula.Engine.Pipeline.StreamResult;

namespace Nebula.Cli.Running;

/// <summary>Runs streams without an account of their chunks: what is interrupted begins anew. For runs in which there is one chunk each.</summary>
/// <param name="plan">What is to be done.</param>
/// <param name="pool">Where buffers come from.</param>
/// <param name="store">Takes the account of what was committed; null for none.</param>
internal sealed class DirectRun(RunPlan plan, BufferPool pool, IStateStore? store) : IRunner
{
    public async Task RunAsync(IReadOnlyList<StreamExecution> streams, IRunDisplay display, RunLimits limits)
    {
        using var slots = new SemaphoreSlim(Math.Max(1, plan.ParallelStreams));
        await Task.WhenAll(streams.Select((stream, index) => RunOneAsync(stream, index))).ConfigureAwait(false);

        async Task RunOneAsync(StreamExecution stream, int index)
        {
            await slots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            await RunAsync(stream, index, display, limits).ConfigureAwait(false);
            slots.Release();
        }
    }

    private async Task RunAsync(StreamExecution stream, int index, IRunDisplay display, RunLimits limits)
    {
        stream.Start();
        display.StreamStarted(stream);
        try
        {
            limits.Stop.ThrowIfCancellationRequested();
            var result = await TransferAsync(stream, display, limits.Stop).ConfigureAwait(false);
            stream.Commit(result.Receipt.Locations, result.StoredBytes);
            // what is committed is committed, also when the user wants to stop just now
            if (store is not null)
                await new DirectAccount(store).AddAsync(plan, index, result.Read, result.Parts, CancellationToken.None).ConfigureAwait(false);
            stream.End(StreamState.Completed);
        }
        catch (OutputClosedException)
        {
            stream.End(StreamState.OutputClosed);
        }
        catch (OperationCanceledException) when (limits.Interruption.IsCancellationRequested)
        {
            stream.End(StreamState.Interrupted);
        }
        catch (OperationCanceledException) when (limits.Timeout is not null)
        {
            stream.End(StreamState.Failed, limits.TimedOut());
        }
        catch (Exception e)
        {
            stream.End(StreamState.Failed, e);
        }
        display.StreamEnded(stream);
    }

    private async Task<StreamResult> TransferAsync(StreamExecution stream, IRunDisplay display, CancellationToken cancellationToken)
    {
        var job = stream.Job;
        using var quarantine = job.QuarantinePath is { } path ? new QuarantineFile(path, plan.RunId) : null;
        var options = quarantine is null ? job.Options : job.Options with { BadRows = job.Options.BadRows with { Quarantine = quarantine.Add } };
        var source = job.OpenSource();
        await using (source.ConfigureAwait(false))
        {
            var destination = job.OpenDestination();
            await using (destination.ConfigureAwait(false))
            {
                stream.GoesOutAtOnce = !destination.Capabilities.CanRestart;
                var run = new StreamRun(source, destination, options, pool, plan.RunId, stream.Metrics);
                run.Restarting += reason =>
                {
                    stream.Restart(reason);
                    quarantine?.Restart();
                    display.StreamRestarted(stream, reason);
                };
                run.Warned += warning => display.StreamWarned(stream, warning);
                run.Planned += written =>
                {
                    stream.SetPlan(written);
                    display.StreamPlanned(stream);
                };
                try
                {
                    return await run.RunAsync(job.Request, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    // also after a failure: what was found wrong helps to mend it
                    stream.QuarantinedAt = quarantine?.Publish();
                }
            }
        }
    }
}
