using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.Replay;

namespace Nebula.Orchestration.Local;

/// <summary>One instance of a run, in memory.</summary>
internal sealed class LocalInstance(int number, string id, LocalInstance? parent, int action) : IDisposable
{
    private CancellationTokenSource? _stop;

    /// <summary>Its number in the journal.</summary>
    public int Number { get; } = number;

    /// <summary>Its id.</summary>
    public string Id { get; } = id;

    /// <summary>The instance that started it; null for the first.</summary>
    public LocalInstance? Parent { get; } = parent;

    /// <summary>The action with which the parent started it.</summary>
    public int Action { get; } = action;

    /// <summary>Its code, as far as it got. Another one for each generation.</summary>
    public required ReplayExecution Execution { get; set; }

    /// <summary>Events that the journal has and the code has not seen.</summary>
    public Queue<HistoryEvent> Messages { get; init; } = new();

    /// <summary>Results that neither has seen. Whoever gave them gives them again after a crash.</summary>
    public List<HistoryEvent> Arrived { get; } = [];

    /// <summary>The status in the journal.</summary>
    public string? Status { get; set; }

    /// <summary>How it ended; null when it has not.</summary>
    public ExecutionCompleted? Completed { get; set; }

    /// <summary>The instances that it started and that have not ended, by action.</summary>
    public Dictionary<int, LocalInstance> Children { get; } = [];

    /// <summary>Whether it waits for a turn already.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Whether it has something to do.</summary>
    public bool HasWork => Completed is null && (Messages.Count > 0 || Arrived.Count > 0);

    /// <summary>Stops the activities of its current generation.</summary>
    public CancellationToken StopToken(CancellationToken outer) => (_stop ??= CancellationTokenSource.CreateLinkedTokenSource(outer)).Token;

    /// <summary>Ends what the current generation has under way.</summary>
    public void Stop()
    {
        var stop = _stop;
        _stop = null;
        stop?.Cancel();
        stop?.Dispose();
    }

    public void Dispose() => _stop?.Dispose();
}
