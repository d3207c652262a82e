using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>What is known of a run.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Name">Its orchestration.</param>
/// <param name="Status">How far it is.</param>
/// <param name="CreatedAt">When it began, UTC; the current generation of it.</param>
/// <param name="LastUpdatedAt">When something last happened, UTC.</param>
public sealed record RunState(string InstanceId, string Name, OrchestrationStatus Status, DateTime CreatedAt, DateTime LastUpdatedAt)
{
    /// <summary>Its input as JSON text.</summary>
    public string? Input { get; init; }

    /// <summary>Its result as JSON text; the message of its failure; the reason why it was terminated.</summary>
    public string? Output { get; init; }

    /// <summary>The status that its code shows, as JSON text.</summary>
    public string? CustomStatus { get; init; }

    /// <summary>Why it failed.</summary>
    public FailureDetails? Failure { get; init; }

    /// <summary>Whether a process runs it now. A run that has not ended and that nobody runs was interrupted: it can be continued.</summary>
    public bool IsActive { get; init; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded =>
        Status is OrchestrationStatus.Completed or OrchestrationStatus.Failed or OrchestrationStatus.Terminated or OrchestrationStatus.Canceled;
}

/// <summary>The runs of a folder, whichever process runs them. Commands are left for that process, now or when the run is continued.</summary>
/// <param name="directory">The folder.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class LocalRuns(string directory, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Tells what is known of a run.</summary>
    /// <param name="instanceId">Its id.</param>
    /// <returns>Null when there is no such run.</returns>
    /// <exception cref="DataFormatException">Its journal is damaged.</exception>
    public RunState? Find(string instanceId) => Read(RunFolder.Of(directory, instanceId));

    /// <summary>Lists the runs, the newest first. A run whose journal is damaged is left out.</summary>
    public IReadOnlyList<RunState> List()
    {
        var runs = new List<RunState>();
        if (Directory.Exists(directory))
            foreach (var folder in Directory.GetDirectories(directory))
                try
                {
                    if (Read(new RunFolder(folder)) is { } run)
                        runs.Add(run);
                }
                catch (DataFormatException)
                {
                }
        runs.Sort(static (a, b) => b.CreatedAt.CompareTo(a.CreatedAt));
        return runs;
    }

    /// <summary>Gives an event to a run.</summary>
    /// <typeparam name="T">What it carries.</typeparam>
    /// <param name="instanceId">The run.</param>
    /// <param name="name">The event.</param>
    /// <param name="payload">How it travels.</param>
    /// <param name="value">What it carries.</param>
    /// <exception cref="NebulaException">There is no such run, or it has ended.</exception>
    public void RaiseEvent<T>(string instanceId, string name, Payload<T> payload, T value) => Leave(instanceId, new EventRaised(name, payload.ToJson(value)));

    /// <summary>Makes a run do nothing new until it is resumed.</summary>
    /// <param name="instanceId">The run.</param>
    /// <param name="reason">Why.</param>
    /// <exception cref="NebulaException">There is no such run, or it has ended.</exception>
    public void Suspend(string instanceId, string? reason) => Leave(instanceId, new ExecutionSuspended(reason));

    /// <summary>Lets a suspended run go on.</summary>
    /// <param name="instanceId">The run.</param>
    /// <param name="reason">Why.</param>
    /// <exception cref="NebulaException">There is no such run, or it has ended.</exception>
    public void Resume(string instanceId, string? reason) => Leave(instanceId, new ExecutionResumed(reason));

    /// <summary>Ends a run at once, with all that it started. What it has in staging stays there until the next run of its pipeline removes it.</summary>
    /// <param name="instanceId">The run.</param>
    /// <param name="reason">Why.</param>
    /// <exception cref="NebulaException">There is no such run, or it has ended.</exception>
    public void Terminate(string instanceId, string? reason) => Leave(instanceId, new ExecutionTerminated(reason, Recurse: true));

    /// <summary>Removes all trace of a run.</summary>
    /// <param name="instanceId">The run.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="NebulaException">A process runs it.</exception>
    public bool Purge(string instanceId)
    {
        var folder = RunFolder.Of(directory, instanceId);
        if (!Directory.Exists(folder.Path))
            return false;
        using (folder.TryLock() ?? throw new NebulaException(ErrorKind.Locked, $"A process runs '{instanceId}' now. Terminate it first."))
            Directory.Delete(folder.Path, recursive: true);
        return true;
    }

    /// <summary>The failure of an instance that was terminated.</summary>
    internal static FailureDetails Terminated(string instanceId, string? reason) =>
        new($"{ErrorKind.Fatal}.Terminated", $"'{instanceId}' was terminated{(string.IsNullOrEmpty(reason) ? "" : ": " + reason)}.") { IsNonRetriable = true };

    private static RunState? Read(RunFolder folder)
    {
        var (state, _) = Journal.Load(folder.Journal);
        if (state.Root is not { } root || root.History.Concat(root.Messages).OfType<ExecutionStarted>().FirstOrDefault() is not { } started)
            return null;
        var status = root.Completed?.Status ?? (IsSuspended(root) ? OrchestrationStatus.Suspended
            : root.History.Count > 0 ? OrchestrationStatus.Running : OrchestrationStatus.Pending);
        return new RunState(root.Id, started.Name, status, started.Timestamp, state.LastTime)
        {
            Input = started.Input,
            Output = root.Completed?.Result,
            CustomStatus = root.Status,
            Failure = root.Completed?.Failure,
            IsActive = root.Completed is null && folder.IsLocked(),
        };
    }

    private static bool IsSuspended(JournalInstance instance) =>
        instance.History.FindLast(static value => value is ExecutionSuspended or ExecutionResumed) is ExecutionSuspended;

    private void Leave(string instanceId, HistoryEvent message)
    {
        var folder = RunFolder.Of(directory, instanceId);
        var run = Read(folder) ?? throw NebulaException.NotFound($"There is no run '{instanceId}' in '{directory}'.");
        if (run.HasEnded)
            throw NebulaException.Configuration($"Run '{instanceId}' has ended ({run.Status}).");
        folder.Leave(message with { Timestamp = _time.GetUtcNow().UtcDateTime }, _time.GetUtcNow().UtcDateTime);
    }
}
