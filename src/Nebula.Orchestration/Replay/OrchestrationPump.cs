namespace Nebula.Orchestration.Replay;

/// <summary>Runs the continuations of one orchestration on the thread of its turn, in the order in which they became ready. Whatever arrives from another
/// thread was awaited against the rules: it is not run, and remembered.</summary>
internal sealed class OrchestrationPump : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();
    private int _thread;
    private volatile bool _wasEnteredFromOutside;

    /// <summary>Whether something that is not the context's was awaited.</summary>
    public bool WasEnteredFromOutside => _wasEnteredFromOutside;

    /// <summary>Whether the caller is the orchestration's code, within a turn.</summary>
    public bool IsCurrent => Current == this && Environment.CurrentManagedThreadId == Volatile.Read(ref _thread);

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId == Volatile.Read(ref _thread))
            _ready.Enqueue((d, state));
        else
            _wasEnteredFromOutside = true;
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Orchestrations cannot be called synchronously.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs something as the orchestration, and then all that became ready by it.</summary>
    public void Run(Action action)
    {
        var outer = Current;
        Volatile.Write(ref _thread, Environment.CurrentManagedThreadId);
        SetSynchronizationContext(this);
        try
        {
            action();
            while (_ready.TryDequeue(out var item))
                item.Callback(item.State);
        }
        finally
        {
            SetSynchronizationContext(outer);
            Volatile.Write(ref _thread, 0);
        }
    }
}
