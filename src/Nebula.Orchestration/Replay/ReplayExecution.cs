using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Replay;

/// <summary>
/// One orchestration instance in memory: events in, actions out. A host that keeps none between turns makes one per turn and feeds it the whole history;
/// one that keeps it feeds it only what is new, and sees the same.
/// </summary>
/// <param name="registry">The code.</param>
/// <param name="instanceId">The instance.</param>
/// <param name="log">Takes the messages of the code; null for nobody.</param>
internal sealed class ReplayExecution(TaskRegistry registry, string instanceId, IOrchestrationLog? log)
{
    private readonly OrchestrationPump _pump = new();
    private readonly List<OrchestratorAction> _pending = [];
    private readonly Dictionary<int, TaskCompletionSource<string?>> _open = [];
    private readonly ExternalEvents _events = new();
    private readonly Queue<HistoryEvent> _deferred = new();
    private CompleteOrchestration? _completion;
    private (string Input, bool KeepEvents)? _continuation;
    private Task<string>? _running;
    /// <summary>The orchestration; empty before it starts.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The instance.</summary>
    public string InstanceId { get; } = instanceId;

    /// <summary>Takes the messages of the code.</summary>
    public IOrchestrationLog? Log { get; } = log;

    /// <summary>The time of the turn.</summary>
    public DateTime Now { get; private set; }

    /// <summary>Whether the events processed are old ones.</summary>
    public bool IsReplaying { get; private set; }

    /// <summary>The status that the code shows, as JSON text.</summary>
    public string? CustomStatus { get; set; }

    /// <summary>Whether the code was started.</summary>
    public bool IsStarted => _running is not null || _completion is not null;

    /// <summary>Whether the instance waits to be resumed.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>Number of the next action.</summary>
    public int NextId { get; private set; }

    /// <summary>Feeds one event, and lets the code run until it waits for another.</summary>
    /// <param name="value">The event.</param>
    /// <param name="isReplaying">Whether it was processed in an earlier turn.</param>
    public void Process(HistoryEvent value, bool isReplaying)
    {
        IsReplaying = isReplaying;
        switch (value)
        {
            case OrchestratorStarted:
                Now = value.Timestamp;
                return;
            case ExecutionTerminated terminated:
                _completion ??= new CompleteOrchestration(NextId++, OrchestrationStatus.Terminated, terminated.Reason);
                return;
            case ExecutionResumed:
                IsSuspended = false;
                while (!IsSuspended && _deferred.TryDequeue(out var deferred))
                    Process(deferred, isReplaying);
                return;
        }
        if (_completion is not null)
            return;
        if (IsSuspended)
            _deferred.Enqueue(value);
        else
            Apply(value);
    }

    /// <summary>Ends a turn.</summary>
    /// <returns>Everything that the code asked for and no event confirmed yet, by number.</returns>
    public IReadOnlyList<OrchestratorAction> FinishTurn()
    {
        if (_completion is null && _running is { IsCompleted: true })
            _completion = Complete(_running);
        if (_completion is null && !IsSuspended)
            CheckWaitsForSomething();
        if (_completion is null)
            return IsSuspended ? [] : [.. _pending];
        // what an instance asked for before it ended in order still counts; of one that was ended nothing does
        return _completion.Status is OrchestrationStatus.Terminated or OrchestrationStatus.Failed ? [_completion] : [.. _pending, _completion];
    }

    /// <summary>Fails unless the caller is the orchestration's code.</summary>
    public void CheckAccess()
    {
        if (!_pump.IsCurrent)
            throw new InvalidOperationException(
                $"Orchestration '{Name}' used its context from outside of its turn. "
                + "Await only what the context gives, without ConfigureAwait(false) or Task.Run.");
    }

    /// <summary>Takes an action that gives a result later.</summary>
    public Task<string?> Schedule(string task, Func<int, OrchestratorAction> action, CancellationToken cancellationToken = default)
    {
        CheckAccess();
        cancellationToken.ThrowIfCancellationRequested();
        var id = NextId++;
        _pending.Add(action(id));
        // not with asynchronous continuations: they would leave the pump
        var promise = new TaskCompletionSource<string?>(task);
        _open.Add(id, promise);
        return cancellationToken.CanBeCanceled ? Cancellable(promise, () => _open.Remove(id), cancellationToken) : promise.Task;
    }

    /// <summary>Takes an action without result.</summary>
    public void Send(Func<int, OrchestratorAction> action)
    {
        CheckAccess();
        var id = NextId++;
        _pending.Add(action(id));
    }

    /// <summary>Waits for an event from outside.</summary>
    public Task<string?> WaitForEvent(string name, CancellationToken cancellationToken)
    {
        CheckAccess();
        cancellationToken.ThrowIfCancellationRequested();
        var promise = _events.Wait(name);
        return cancellationToken.CanBeCanceled ? Cancellable(promise, () => _events.Forget(name, promise), cancellationToken) : promise.Task;
    }

    /// <summary>Asks for the next generation.</summary>
    public void ContinueAsNew(string input, bool keepEvents)
    {
        CheckAccess();
        _continuation = (input, keepEvents);
    }

    private static async Task<string?> Cancellable(TaskCompletionSource<string?> promise, Action forget, CancellationToken cancellationToken)
    {
        using (cancellationToken.Register(() =>
        {
            forget();
            promise.TrySetCanceled(cancellationToken);
        }))
            return await promise.Task;
    }

    private void Apply(HistoryEvent value)
    {
        switch (value)
        {
            case ExecutionStarted started:
                Start(started);
                break;
            case TimerCreated { EventId: HistoryEvent.SplitCheckpoint }:
                break;
            case TaskScheduled or SubOrchestrationCreated or TimerCreated or EventSent:
                Confirm(value);
                break;
            case TaskCompleted completed:
                Settle(completed.TaskScheduledId, promise => promise.TrySetResult(completed.Result));
                break;
            case TaskFailed failed:
                Fail(failed.TaskScheduledId, failed.Failure);
                break;
            case SubOrchestrationCompleted completed:
                Settle(completed.TaskScheduledId, promise => promise.TrySetResult(completed.Result));
                break;
            case SubOrchestrationFailed failed:
                Fail(failed.TaskScheduledId, failed.Failure);
                break;
            case TimerFired fired:
                Settle(fired.TimerId, static promise => promise.TrySetResult(null));
                break;
            case EventRaised raised when _continuation is not null:
                _events.Keep(raised);
                break;
            case EventRaised raised:
                if (_events.Raise(raised) is { } waiter)
                    _pump.Run(() => waiter.TrySetResult(raised.Input));
                break;
            case ExecutionSuspended:
                IsSuspended = true;
                break;
        }
    }

    private void Start(ExecutionStarted started)
    {
        if (IsStarted)
            return;
        Name = started.Name;
        try
        {
            var run = registry.FindOrchestration(started.Name);
            var context = new OrchestrationContext(this, started);
            _pump.Run(() => _running = run(context, started.Input));
        }
        catch (NebulaException e)
        {
            _completion = Failed(e);
        }
    }

    private void Confirm(HistoryEvent value)
    {
        // confirmed in the order in which they were asked for, so that this looks at the first
        var at = _pending.FindIndex(pending => pending.Id == value.EventId);
        var action = at < 0 ? null : _pending[at];
        var same = (value, action) switch
        {
            (TaskScheduled was, ScheduleTask now) => IsSameName(was.Name, now.Name),
            (SubOrchestrationCreated was, CreateSubOrchestration now) => IsSameName(was.Name, now.Name),
            (TimerCreated, CreateTimer) => true,
            (EventSent was, SendEvent now) => IsSameName(was.Name, now.Name) && was.InstanceId == now.InstanceId,
            _ => false,
        };
        if (same)
            _pending.RemoveAt(at);
        else
            _completion ??= Failed(new NonDeterminismException(Steps.Difference(Name, InstanceId, value, action, NextId)));
    }

    private void Fail(int id, FailureDetails? failure) => Settle(id, promise =>
    {
        var task = (string)promise.Task.AsyncState!;
        // a host that cannot say why does not know the task
        promise.TrySetException(new TaskFailedException(task, failure ?? new FailureDetails(
            $"{ErrorKind.Fatal}.TaskFailed", $"'{task}' could not be run, and the host does not say why. It may not be part of the version that is deployed.")
        {
            IsNonRetriable = true,
        }));
    });

    private void Settle(int id, Action<TaskCompletionSource<string?>> settle)
    {
        // results are delivered at least once: what is settled already is no longer open
        if (_open.Remove(id, out var promise))
            _pump.Run(() => settle(promise));
    }

    private CompleteOrchestration Complete(Task<string> ended)
    {
        if (ended.IsFaulted || ended.IsCanceled)
            return Failed(ended.Exception?.InnerException
                ?? new NebulaException(ErrorKind.Fatal, $"Orchestration '{Name}' ended by a cancellation of its own that it did not handle."));
        return _continuation is { } next
            ? new CompleteOrchestration(NextId++, OrchestrationStatus.ContinuedAsNew, next.Input) { CarryOver = next.KeepEvents ? _events.Kept : [] }
            : new CompleteOrchestration(NextId++, OrchestrationStatus.Completed, ended.Result);
    }

    private void CheckWaitsForSomething()
    {
        if (_pump.WasEnteredFromOutside || (_running is { IsCompleted: false } && _open.Count == 0 && !_events.IsAwaited))
            _completion = Failed(new NonDeterminismException(
                $"Orchestration '{Name}' ('{InstanceId}') awaits something that its context did not give, so nothing would ever wake it in the same way again. "
                + "Do input, output and delays in activities and timers; do not use ConfigureAwait(false) or Task.Run."));
    }

    private CompleteOrchestration Failed(Exception error)
    {
        var failure = FailureDetails.Of(error);
        return new CompleteOrchestration(NextId++, OrchestrationStatus.Failed, failure.Message) { Failure = failure };
    }

    private static bool IsSameName(string was, string now) => was.Equals(now, StringComparison.OrdinalIgnoreCase);
}
