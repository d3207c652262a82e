namespace Nebula.Orchestration.Sync;

/// <summary>Listens for pause, resume and cancel, and tells the instances that this one started.</summary>
internal sealed class SyncControl
{
    private const int MaxAttempts = 5;
    private readonly OrchestrationContext _context;
    private readonly List<string> _children = [];
    private TaskCompletionSource _changed = new();

    public SyncControl(OrchestrationContext context)
    {
        _context = context;
        _ = ListenAsync(SyncDefinitions.PauseEvent, () => IsPaused = true);
        _ = ListenAsync(SyncDefinitions.ResumeEvent, () => IsPaused = false);
        _ = ListenAsync(SyncDefinitions.CancelEvent, () => IsCancelled = true);
    }

    /// <summary>Whether nothing new may begin for now.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Whether nothing new may begin any more.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>What to show as state.</summary>
    public string State => IsCancelled ? "cancelling" : IsPaused ? "paused" : "running";

    /// <summary>Called after each change.</summary>
    public Action Changed { get; set; } = static () => { };

    /// <summary>Done when the state changes next.</summary>
    public Task NextChange => _changed.Task;

    /// <summary>Waits until things may begin, or never again.</summary>
    public async Task WaitWhilePausedAsync()
    {
        while (IsPaused && !IsCancelled)
            await NextChange;
    }

    /// <summary>Runs another orchestration that listens too. One that its host lost, because the worker died within a turn, starts again: each step of it
    /// may be repeated.</summary>
    public async Task<TOutput> CallAsync<TInput, TOutput>(OrchestrationDefinition<TInput, TOutput> orchestration, TInput input)
    {
        for (var attempt = 1; ; attempt++)
        {
            // its id begins with that of its run, so that all that belongs to a run can be found
            var id = $"{_context.InstanceId}:{_context.NewGuid().ToString("n")[..12]}";
            _children.Add(id);
            try
            {
                return await _context.CallSubOrchestratorAsync(orchestration, input, id);
            }
            catch (TaskFailedException e) when (attempt < MaxAttempts && e.Failure.IsLost)
            {
                _context.Log(OrchestrationLogLevel.Warning, $"{orchestration.Name} was lost by its host and starts again: {e.Reason}");
            }
            finally
            {
                _children.Remove(id);
            }
            // the worker that died has to come back first
            await _context.CreateTimer(TimeSpan.FromSeconds(1 << (attempt - 1)));
        }
    }

    /// <summary>Runs a number of things, so many at a time, as long as nothing fails and nobody cancels. What has begun is waited for.</summary>
    /// <param name="count">How many.</param>
    /// <param name="parallel">Most at a time.</param>
    /// <param name="begin">Begins one, by number.</param>
    /// <param name="ended">Takes what came of one.</param>
    /// <returns>How many began.</returns>
    /// <exception cref="TaskFailedException">The first that failed.</exception>
    public async Task<int> ForEachAsync<T>(int count, int parallel, Func<int, Task<T>> begin, Action<T> ended)
    {
        var running = new List<Task<T>>();
        TaskFailedException? failure = null;
        var next = 0;
        while (true)
        {
            while (next < count && running.Count < Math.Max(1, parallel) && failure is null && !IsPaused && !IsCancelled)
                running.Add(begin(next++));
            if (running.Count == 0 && (next == count || failure is not null || IsCancelled))
                break;
            if (running.Count == 0)
            {
                await NextChange;
                continue;
            }
            // a change of state is looked at when something ends: only then could more begin, unless nothing runs
            var first = await Task.WhenAny(IsPaused ? [.. running, NextChange] : (IEnumerable<Task>)running);
            if (first is not Task<T> done || !running.Remove(done))
                continue;
            try
            {
                ended(await done);
            }
            catch (TaskFailedException e)
            {
                failure ??= e;
            }
        }
        return failure is null ? next : throw new TaskFailedException(failure.TaskName, failure.Failure) { RetryAfter = failure.RetryAfter };
    }

    private async Task ListenAsync(string name, Action change)
    {
        while (true)
        {
            await _context.WaitForExternalEvent(name, Payload.Nothing);
            change();
            foreach (var child in _children)
                _context.SendEvent(child, name, Payload.Nothing, Nothing.Value);
            Changed();
            var changed = _changed;
            _changed = new TaskCompletionSource();
            changed.SetResult();
        }
    }
}
