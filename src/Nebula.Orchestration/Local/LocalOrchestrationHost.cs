using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>Runs orchestrations in this process. Each run has a journal; one that was interrupted, also by kill -9, continues where its journal ends.</summary>
/// <param name="registry">The orchestrations and activities.</param>
/// <param name="options">Where and how.</param>
public sealed class LocalOrchestrationHost(TaskRegistry registry, LocalHostOptions options)
{
    /// <summary>The runs of the folder, for questions and commands.</summary>
    public LocalRuns Runs { get; } = new(options.Directory, options.Time);

    /// <summary>Runs an orchestration to its end. A run of this id that was interrupted is continued, with the input that it began with; one that ended is
    /// begun anew.</summary>
    /// <typeparam name="TInput">Its input.</typeparam>
    /// <typeparam name="TOutput">Its result.</typeparam>
    /// <param name="orchestration">The orchestration.</param>
    /// <param name="instanceId">The id of the run; see <see cref="InstanceIds"/>.</param>
    /// <param name="input">Its input.</param>
    /// <param name="cancellationToken">Stops the host, not the run: that can be continued.</param>
    /// <returns>The result.</returns>
    /// <exception cref="TaskFailedException">The orchestration failed, or was terminated.</exception>
    /// <exception cref="NebulaException">Another process runs it (<see cref="ErrorKind.Locked"/>), or the journal cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The host was stopped.</exception>
    public async Task<TOutput> RunAsync<TInput, TOutput>(
        OrchestrationDefinition<TInput, TOutput> orchestration, string instanceId, TInput input, CancellationToken cancellationToken)
    {
        var folder = RunFolder.Of(options.Directory, instanceId);
        using var held = await LockAsync(folder, instanceId, cancellationToken).ConfigureAwait(false);
        using var run = Open(folder, orchestration, instanceId, input, cancellationToken);
        var completed = await run.RunAsync(cancellationToken).ConfigureAwait(false);
        return completed.Status == OrchestrationStatus.Completed
            ? orchestration.Output.FromJson(completed.Result, $"The result of orchestration '{orchestration.Name}'")
            : throw new TaskFailedException(orchestration.Name, completed.Failure ?? LocalRuns.Terminated(instanceId, completed.Result));
    }

    private static async Task<IDisposable> LockAsync(RunFolder folder, string instanceId, CancellationToken cancellationToken)
    {
        // whoever lists runs has a look at the lock, for an instant
        const int Attempts = 4;
        for (var attempt = 1; ; attempt++)
        {
            if (folder.TryLock() is { } held)
                return held;
            if (attempt == Attempts)
                throw new NebulaException(
                    ErrorKind.Locked, $"Another process runs '{instanceId}' now. Wait until it ends, or stop it; 'nebula runs' shows what runs.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken).ConfigureAwait(false);
        }
    }

    private LocalRun Open<TInput, TOutput>(
        RunFolder folder, OrchestrationDefinition<TInput, TOutput> orchestration, string instanceId, TInput input, CancellationToken cancellationToken)
    {
        if (File.Exists(folder.Journal))
        {
            var (journal, state) = Journal.Open(folder.Journal, options.Durability);
            if (state.Root is { Completed: null })
                return LocalRun.Resume(registry, options, folder, journal, state, cancellationToken);
            journal.Dispose();
        }
        return LocalRun.Start(registry, options, folder, instanceId, orchestration.Name, orchestration.Input.ToJson(input), cancellationToken);
    }
}
