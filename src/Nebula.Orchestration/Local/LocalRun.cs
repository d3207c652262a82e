using System.Globalization;
using System.Threading.Channels;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.Replay;

namespace Nebula.Orchestration.Local;

/// <summary>
/// One run of the local host: an instance and all that it starts, on one loop. A turn is written to the journal before anything that it asked for begins;
/// a result is written with the turn that sees it. So whatever the journal does not have is asked for again after a crash, and nothing else is.
/// </summary>
internal sealed class LocalRun : IDisposable
{
    // a turn of many instances is one write, up to here
    private const int MaxTurnsPerWrite = 64;

    // results that come faster than they are looked at must not put off the turns that they are for
    private const int MaxSignalsPerTurn = 1_000;
    private readonly TaskRegistry _registry;
    private readonly LocalHostOptions _options;
    private readonly RunFolder _folder;
    private readonly Journal _journal;
    private readonly HashSet<string> _takenFiles;
    private readonly Dictionary<string, LocalInstance> _byId = new(StringComparer.Ordinal);
    private readonly Queue<LocalInstance> _dirty = new();
    private readonly List<Action> _afterWrite = [];
    private readonly Channel<Action> _signals = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly LocalActivities _activities;
    private readonly LocalTimers _timers;
    private int _lastNumber;
    private int _inboxIsDue;
    private DateTime _now;

    private LocalRun(TaskRegistry registry, LocalHostOptions options, RunFolder folder, Journal journal, JournalState state, CancellationToken stop)
    {
        _registry = registry;
        _options = options;
        _folder = folder;
        _journal = journal;
        _takenFiles = state.TakenFiles;
        _lastNumber = state.LastNumber;
        _now = state.LastTime;
        _activities = new LocalActivities(registry, options.MaxActivities, Signal, stop);
        _timers = new LocalTimers(options.Time, Signal);
    }

    private LocalInstance Root { get; set; } = null!;

    /// <summary>Begins a run.</summary>
    public static LocalRun Start(TaskRegistry registry, LocalHostOptions options, RunFolder folder, string instanceId, string name, string? input,
        CancellationToken stop)
    {
        var journal = Journal.Create(folder.Journal, options.Durability);
        journal.Writing = options.JournalWriting;
        var run = new LocalRun(registry, options, folder, journal, new JournalState(), stop);
        run.Root = run.Create(instanceId, null, 0, name, input);
        return run;
    }

    /// <summary>Continues a run where its journal ends.</summary>
    public static LocalRun Resume(
        TaskRegistry registry, LocalHostOptions options, RunFolder folder, Journal journal, JournalState state, CancellationToken stop)
    {
        journal.Writing = options.JournalWriting;
        var run = new LocalRun(registry, options, folder, journal, state, stop);
        try
        {
            run.Restore(state);
        }
        catch
        {
            run.Dispose();
            throw;
        }
        return run;
    }

    /// <summary>Runs to the end of the first instance.</summary>
    /// <param name="cancellationToken">Stops the host; the run can be continued later.</param>
    public async Task<ExecutionCompleted> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            TakeInbox();
            using var inbox = _options.Time.CreateTimer(_ => LookIntoInbox(), null, _options.InboxInterval, _options.InboxInterval);
            for (; ; )
            {
                RunTurns();
                if (Root.Completed is { } completed)
                    return completed;
                var signal = await _signals.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                for (var taken = 1; ; taken++)
                {
                    signal();
                    if (taken == MaxSignalsPerTurn || !_signals.Reader.TryRead(out signal!))
                        break;
                }
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            foreach (var instance in _byId.Values)
                instance.Stop();
            // nothing of a run goes on when the host says that it ended
            await _activities.StopAsync().ConfigureAwait(false);
            if (Root.Completed is not null)
                Close();
        }
    }

    public void Dispose()
    {
        foreach (var instance in _byId.Values)
            instance.Dispose();
        _timers.Dispose();
        _journal.Dispose();
    }

    private void Signal(Action action) => _signals.Writer.TryWrite(action);

    private void Close()
    {
        const int WorthCompacting = 1 << 16;
        if (_journal.Length > WorthCompacting)
            _journal.TryCompact(static state => state.KeepRootOnly());
    }

    private void LookIntoInbox()
    {
        // a run that is slower than the timer is not asked again before it has looked
        if (Interlocked.Exchange(ref _inboxIsDue, 1) == 0)
            Signal(TakeInbox);
    }

    private void TakeInbox()
    {
        Volatile.Write(ref _inboxIsDue, 0);
        foreach (var (name, message) in _folder.Left(_takenFiles))
        {
            _takenFiles.Add(name);
            Deliver(Root, message, name);
            _afterWrite.Add(() => _folder.Remove(name));
        }
    }

    private LocalInstance Create(string id, LocalInstance? parent, int action, string name, string? input)
    {
        var instance = new LocalInstance(++_lastNumber, id, parent, action) { Execution = new ReplayExecution(_registry, id, _options.Log) };
        _byId.Add(id, instance);
        parent?.Children.Add(action, instance);
        _journal.Add(new JournalEntry(JournalEntryKind.Instance, instance.Number) { Text = id, Parent = parent?.Number ?? -1, Number = action });
        Deliver(instance, Started(instance, name, input), null);
        return instance;
    }

    private ExecutionStarted Started(LocalInstance instance, string name, string? input) => new(name)
    {
        Timestamp = Clock(),
        Input = input,
        InstanceId = instance.Id,
        ExecutionId = NewExecutionId(),
        Parent = instance.Parent is { } parent ? new ParentInstance(parent.Id, null, instance.Action) : null,
    };

    private static string NewExecutionId() => Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture);

    /// <summary>Never goes back, also when the machine's clock does.</summary>
    private DateTime Clock()
    {
        var now = _options.Time.GetUtcNow().UtcDateTime;
        return _now = now > _now ? now : _now;
    }

    /// <summary>Gives an event to an instance, by way of the journal.</summary>
    private void Deliver(LocalInstance instance, HistoryEvent message, string? file)
    {
        if (message.Timestamp == default)
            message = message with { Timestamp = Clock() };
        _journal.Add(new JournalEntry(JournalEntryKind.Message, instance.Number) { Event = message, Text = file });
        instance.Messages.Enqueue(message);
        Enqueue(instance);
    }

    /// <summary>Gives a result to an instance.</summary>
    private void Arrive(LocalInstance instance, HistoryEvent result)
    {
        instance.Arrived.Add(result with { Timestamp = Clock() });
        Enqueue(instance);
    }

    private void Enqueue(LocalInstance instance)
    {
        if (instance.IsQueued || !instance.HasWork)
            return;
        instance.IsQueued = true;
        _dirty.Enqueue(instance);
    }

    private void RunTurns()
    {
        while (_dirty.Count > 0)
        {
            for (var turns = 0; turns < MaxTurnsPerWrite && _dirty.TryDequeue(out var instance); turns++)
            {
                instance.IsQueued = false;
                if (instance.HasWork)
                    RunTurn(instance);
            }
            _journal.Commit();
            foreach (var action in _afterWrite)
                action();
            _afterWrite.Clear();
            _journal.CompactIfWorthwhile();
        }
    }

    private void RunTurn(LocalInstance instance)
    {
        var now = Clock();
        _journal.Add(new JournalEntry(JournalEntryKind.Turn, instance.Number) { Number = instance.Messages.Count, Time = now });
        var execution = instance.Execution;
        execution.Process(new OrchestratorStarted { Timestamp = now }, isReplaying: false);
        while (instance.Messages.TryDequeue(out var message))
        {
            execution.Process(message, isReplaying: false);
            if (message is ExecutionTerminated { Recurse: true } or ExecutionSuspended or ExecutionResumed)
                foreach (var child in instance.Children.Values)
                    Deliver(child, message, null);
        }
        foreach (var arrived in instance.Arrived)
        {
            AddHistory(instance, arrived);
            Forget(instance, arrived);
            execution.Process(arrived, isReplaying: false);
        }
        instance.Arrived.Clear();
        foreach (var action in execution.FinishTurn())
            Act(instance, action);
        // the next generation keeps the status of the last until it shows its own
        if (execution.CustomStatus is { } status && status != instance.Status)
        {
            instance.Status = status;
            _journal.Add(new JournalEntry(JournalEntryKind.Status, instance.Number) { Text = instance.Status });
        }
    }

    private void AddHistory(LocalInstance instance, HistoryEvent value) =>
        _journal.Add(new JournalEntry(JournalEntryKind.Event, instance.Number) { Event = value });

    private void Act(LocalInstance instance, OrchestratorAction action)
    {
        if (action is CompleteOrchestration completion)
        {
            Complete(instance, completion);
            return;
        }
        HistoryEvent confirmation = action switch
        {
            ScheduleTask task => new TaskScheduled(task.Name) { Input = task.Input },
            CreateTimer timer => new TimerCreated(timer.FireAt),
            CreateSubOrchestration child => new SubOrchestrationCreated(child.InstanceId, child.Name) { Input = child.Input },
            SendEvent sent => new EventSent(sent.InstanceId, sent.Name, sent.Data),
            _ => throw new InvalidOperationException($"The local host cannot do '{action.GetType().Name}'."),
        };
        confirmation = confirmation with { EventId = action.Id, Timestamp = _now };
        AddHistory(instance, confirmation);
        instance.Execution.Process(confirmation, isReplaying: false);
        switch (action)
        {
            case ScheduleTask task:
                _afterWrite.Add(() => Begin(instance, task));
                break;
            case CreateTimer timer:
                _afterWrite.Add(() => Begin(instance, timer));
                break;
            case CreateSubOrchestration child when _byId.ContainsKey(child.InstanceId):
                Arrive(instance, new SubOrchestrationFailed(action.Id, new FailureDetails(
                    $"{ErrorKind.Locked}.DuplicateInstance", $"The instance '{child.InstanceId}' is under way already.")
                { IsNonRetriable = true }));
                break;
            case CreateSubOrchestration child:
                Create(child.InstanceId, instance, action.Id, child.Name, child.Input);
                break;
            case SendEvent sent when _byId.TryGetValue(sent.InstanceId, out var target) && target.Completed is null:
                Deliver(target, new EventRaised(sent.Name, sent.Data), null);
                break;
        }
    }

    private void Complete(LocalInstance instance, CompleteOrchestration completion)
    {
        EndGeneration(instance);
        if (completion.Status == OrchestrationStatus.ContinuedAsNew)
        {
            var name = instance.Execution.Name;
            instance.Execution = new ReplayExecution(_registry, instance.Id, _options.Log);
            _journal.Add(new JournalEntry(JournalEntryKind.Reset, instance.Number));
            Deliver(instance, Started(instance, name, completion.Result), null);
            foreach (var carried in completion.CarryOver)
                Deliver(instance, carried, null);
            return;
        }
        instance.Completed = new ExecutionCompleted(completion.Status, completion.Result, completion.Failure) { EventId = completion.Id, Timestamp = _now };
        AddHistory(instance, instance.Completed);
        if (instance.Parent is { Completed: null } parent)
            Arrive(parent, ResultOf(instance));
    }

    /// <summary>What an instance started ends with it.</summary>
    private void EndGeneration(LocalInstance instance)
    {
        _afterWrite.Add(instance.Stop);
        foreach (var child in instance.Children.Values.ToList())
        {
            EndGeneration(child);
            _byId.Remove(child.Id);
            child.Completed ??= new ExecutionCompleted(OrchestrationStatus.Terminated, null, null);
        }
        instance.Children.Clear();
    }

    private static HistoryEvent ResultOf(LocalInstance child)
    {
        var completed = child.Completed!;
        return completed.Status == OrchestrationStatus.Completed
            ? new SubOrchestrationCompleted(child.Action, completed.Result)
            : new SubOrchestrationFailed(child.Action, completed.Failure ?? LocalRuns.Terminated(child.Id, completed.Result));
    }

    /// <summary>Forgets a child whose end its parent has seen.</summary>
    private void Forget(LocalInstance instance, HistoryEvent arrived)
    {
        var action = arrived switch
        {
            SubOrchestrationCompleted completed => completed.TaskScheduledId,
            SubOrchestrationFailed failed => failed.TaskScheduledId,
            _ => -1,
        };
        if (!instance.Children.Remove(action, out var child))
            return;
        child.Stop();
        _byId.Remove(child.Id);
    }

    private void Begin(LocalInstance instance, ScheduleTask task)
    {
        var execution = instance.Execution;
        if (instance.Completed is null)
            _activities.Enqueue(new ActivityCall(instance, task.Id, task.Name, task.Input, result =>
            {
                if (instance.Execution == execution && instance.Completed is null)
                    Arrive(instance, result);
            }));
    }

    private void Begin(LocalInstance instance, CreateTimer timer)
    {
        var execution = instance.Execution;
        _timers.Set(timer.FireAt, () =>
        {
            if (instance.Execution == execution && instance.Completed is null)
                Arrive(instance, new TimerFired(timer.Id, timer.FireAt));
        });
    }

    private void Restore(JournalState state)
    {
        var byNumber = new Dictionary<int, LocalInstance>();
        foreach (var journaled in state.Instances)
        {
            var parent = byNumber.GetValueOrDefault(journaled.Parent);
            var instance = new LocalInstance(journaled.Number, journaled.Id, parent, journaled.Action)
            {
                Execution = new ReplayExecution(_registry, journaled.Id, _options.Log),
                Messages = journaled.Messages,
                Status = journaled.Status,
                Completed = journaled.Completed,
            };
            byNumber.Add(instance.Number, instance);
            _byId[instance.Id] = instance;
            parent?.Children.TryAdd(instance.Action, instance);
            if (instance.Number == 0)
                Root = instance;
            foreach (var past in journaled.History)
                instance.Execution.Process(past, isReplaying: true);
        }
        foreach (var journaled in state.Instances)
            Continue(byNumber[journaled.Number], journaled.History);
    }

    /// <summary>Begins again what was asked for and has no result.</summary>
    private void Continue(LocalInstance instance, List<HistoryEvent> history)
    {
        if (instance.Completed is not null)
        {
            if (instance.Parent is { Completed: null } parent && parent.Children.GetValueOrDefault(instance.Action) == instance)
                Arrive(parent, ResultOf(instance));
            return;
        }
        var settled = history.Select(static value => value switch
        {
            TaskCompleted completed => completed.TaskScheduledId,
            TaskFailed failed => failed.TaskScheduledId,
            TimerFired fired => fired.TimerId,
            _ => -1,
        }).ToHashSet();
        foreach (var asked in history)
            if (!settled.Contains(asked.EventId))
                switch (asked)
                {
                    case TaskScheduled task:
                        Begin(instance, new ScheduleTask(task.EventId, task.Name, task.Input));
                        break;
                    case TimerCreated timer:
                        Begin(instance, new CreateTimer(timer.EventId, timer.FireAt));
                        break;
                }
        Enqueue(instance);
        // the code may have changed since: what it now asks for, or that it fails, has to show without waiting for an event
        if (!instance.HasWork && history.Count > 0)
        {
            instance.Messages.Enqueue(new OrchestratorStarted { Timestamp = Clock() });
            _journal.Add(new JournalEntry(JournalEntryKind.Message, instance.Number) { Event = new OrchestratorStarted { Timestamp = _now } });
            Enqueue(instance);
        }
    }
}
