using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.Replay;

namespace Nebula.Orchestration;

/// <summary>
/// Everything that the code of an orchestration may use of the world. The code runs again from its start on every turn, with the results that the history
/// has: it must do the same each time. Not allowed are the clock, random numbers, the environment, input and output, threads, <c>ConfigureAwait(false)</c>,
/// and awaiting anything that does not come from here.
/// </summary>
public sealed class OrchestrationContext
{
    private const int MaxCustomStatus = 8_000;

    // the queues of Azure Storage cannot hold a message for longer than a week
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(3);
    private readonly ReplayExecution _execution;
    private int _guids;

    internal OrchestrationContext(ReplayExecution execution, ExecutionStarted started)
    {
        _execution = execution;
        Name = started.Name;
        InstanceId = execution.InstanceId;
        ExecutionId = started.ExecutionId ?? execution.InstanceId;
        Parent = started.Parent;
        TraceParent = started.TraceParent;
    }

    /// <summary>The orchestration.</summary>
    public string Name { get; }

    /// <summary>The instance.</summary>
    public string InstanceId { get; }

    /// <summary>The instance that started this one; null when it was started from outside.</summary>
    public ParentInstance? Parent { get; }

    /// <summary>The W3C trace context of whoever started the instance; null when there is none.</summary>
    public string? TraceParent { get; }

    /// <summary>The time of the current turn, UTC: the only clock that gives the same time when the code is replayed.</summary>
    public DateTime CurrentUtcDateTime => _execution.Now;

    /// <summary>Whether the code is only repeating what it did in earlier turns.</summary>
    public bool IsReplaying => _execution.IsReplaying;

    /// <summary>The generation of the instance: another one after each continue-as-new.</summary>
    internal string ExecutionId { get; }

    /// <summary>Makes an identifier that is unique and yet the same in each replay.</summary>
    public Guid NewGuid()
    {
        _execution.CheckAccess();
        return DeterministicValues.Guid(ExecutionId, InstanceId, _guids++);
    }

    /// <summary>Says something to the log, once.</summary>
    /// <param name="level">How important it is.</param>
    /// <param name="message">The text.</param>
    public void Log(OrchestrationLogLevel level, string message)
    {
        if (!IsReplaying)
            _execution.Log?.Write(InstanceId, level, message);
    }

    /// <summary>Runs an activity.</summary>
    /// <typeparam name="TInput">Its input.</typeparam>
    /// <typeparam name="TOutput">Its result.</typeparam>
    /// <param name="activity">The activity.</param>
    /// <param name="input">Its input.</param>
    /// <param name="retry">When it is repeated; null for never.</param>
    /// <exception cref="TaskFailedException">It failed.</exception>
    public Task<TOutput> CallActivityAsync<TInput, TOutput>(ActivityDefinition<TInput, TOutput> activity, TInput input, RetryPolicy? retry = null)
    {
        var json = activity.Input.ToJson(input);
        return retry is null ? AttemptAsync() : RepeatAsync(AttemptAsync, retry);

        async Task<TOutput> AttemptAsync()
        {
            var result = await _execution.Schedule(activity.Name, id => new ScheduleTask(id, activity.Name, json));
            return ActivityResult.Read(result, activity.Name, activity.Output);
        }
    }

    /// <summary>Runs another orchestration as part of this one.</summary>
    /// <typeparam name="TInput">Its input.</typeparam>
    /// <typeparam name="TOutput">Its result.</typeparam>
    /// <param name="orchestration">The orchestration.</param>
    /// <param name="input">Its input.</param>
    /// <param name="instanceId">Its instance id; null for one that is made. An id that lives already must not be used.</param>
    /// <param name="retry">When it is repeated; null for never. Repeats need made ids.</param>
    /// <exception cref="TaskFailedException">It failed.</exception>
    public Task<TOutput> CallSubOrchestratorAsync<TInput, TOutput>(
        OrchestrationDefinition<TInput, TOutput> orchestration, TInput input, string? instanceId = null, RetryPolicy? retry = null)
    {
        if (instanceId is not null && retry is not null)
            throw new ArgumentException("A repeated sub-orchestration cannot have an instance id of its own: each attempt is another instance.",
                nameof(instanceId));
        if (instanceId is not null)
            InstanceIds.Check(instanceId);
        var json = orchestration.Input.ToJson(input);
        return retry is null ? AttemptAsync() : RepeatAsync(AttemptAsync, retry);

        async Task<TOutput> AttemptAsync()
        {
            var result = await _execution.Schedule(orchestration.Name, id => new CreateSubOrchestration(
                id, instanceId ?? InstanceIds.OfChild(ExecutionId, id), orchestration.Name, json));
            return orchestration.Output.FromJson(result, $"The result of orchestration '{orchestration.Name}'");
        }
    }

    /// <summary>Waits until a time.</summary>
    /// <param name="fireAt">When, UTC; a time in the past is now.</param>
    /// <param name="cancellationToken">Stops waiting; it must be cancelled by the orchestration itself.</param>
    public async Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken = default)
    {
        var end = fireAt.ToUniversalTime();
        while (end - CurrentUtcDateTime > LongestTimer)
        {
            var step = CurrentUtcDateTime + LongestTimer;
            await _execution.Schedule("timer", id => new CreateTimer(id, step), cancellationToken);
        }
        await _execution.Schedule("timer", id => new CreateTimer(id, end), cancellationToken);
    }

    /// <summary>Waits for a while.</summary>
    /// <param name="delay">How long.</param>
    /// <param name="cancellationToken">Stops waiting; it must be cancelled by the orchestration itself.</param>
    public Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken = default) => CreateTimer(CurrentUtcDateTime + delay, cancellationToken);

    /// <summary>Waits for an event from outside. Events that came before are kept; several waits of one name are served in order.</summary>
    /// <typeparam name="T">What the event carries.</typeparam>
    /// <param name="name">The event; upper and lower case are the same.</param>
    /// <param name="payload">How it travels.</param>
    /// <param name="cancellationToken">Stops waiting; it must be cancelled by the orchestration itself.</param>
    public async Task<T> WaitForExternalEvent<T>(string name, Payload<T> payload, CancellationToken cancellationToken = default)
    {
        var json = await _execution.WaitForEvent(name, cancellationToken);
        return payload.FromJson(json, $"The event '{name}'");
    }

    /// <summary>Sends an event to another instance. It is lost when that instance has ended.</summary>
    /// <typeparam name="T">What the event carries.</typeparam>
    /// <param name="instanceId">The instance.</param>
    /// <param name="name">The event.</param>
    /// <param name="payload">How it travels.</param>
    /// <param name="value">What it carries.</param>
    public void SendEvent<T>(string instanceId, string name, Payload<T> payload, T value)
    {
        var json = payload.ToJson(value);
        _execution.Send(id => new SendEvent(id, instanceId, name, json));
    }

    /// <summary>Shows a status to whoever asks for the instance.</summary>
    /// <typeparam name="T">The status.</typeparam>
    /// <param name="payload">How it is shown.</param>
    /// <param name="status">The status; at most 8,000 characters of JSON.</param>
    /// <exception cref="NebulaException">The status is too large.</exception>
    public void SetCustomStatus<T>(Payload<T> payload, T status)
    {
        _execution.CheckAccess();
        var json = payload.ToJson(status);
        if (json.Length > MaxCustomStatus)
            throw new NebulaException(ErrorKind.Limit, $"The status of '{InstanceId}' has {json.Length} characters; a host takes at most {MaxCustomStatus}.");
        _execution.CustomStatus = json;
    }

    /// <summary>Ends this generation of the instance and starts the next with an empty history, as soon as the code returns.</summary>
    /// <typeparam name="T">The input of the next generation.</typeparam>
    /// <param name="payload">How it travels.</param>
    /// <param name="input">The input.</param>
    /// <param name="preserveUnprocessedEvents">Whether events that nobody waited for yet go to the next generation.</param>
    public void ContinueAsNew<T>(Payload<T> payload, T input, bool preserveUnprocessedEvents = true) =>
        _execution.ContinueAsNew(payload.ToJson(input), preserveUnprocessedEvents);

    private async Task<T> RepeatAsync<T>(Func<Task<T>> attempt, RetryPolicy retry)
    {
        for (var number = 1; ; number++)
        {
            TaskFailedException failure;
            try
            {
                return await attempt();
            }
            catch (TaskFailedException e) when (number < retry.MaxAttempts && retry.Handles(e))
            {
                failure = e;
            }
            var delay = retry.DelayAfter(number, DeterministicValues.Fraction(ExecutionId, _execution.NextId), failure);
            Log(OrchestrationLogLevel.Warning, $"{failure.TaskName} failed and is repeated in {Units.FormatDuration(delay)}: {failure.Reason}");
            await CreateTimer(delay);
        }
    }
}
