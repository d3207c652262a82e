namespace Nebula.Functions.Hosting;

/// <summary>Whether the handler goes on: counts the calls under way, and tells activities when to stop.</summary>
internal sealed class HandlerLifetime : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private int _calls;

    /// <summary>Whether the handler is about to end.</summary>
    public bool IsStopping => _stopping.IsCancellationRequested;

    /// <summary>Cancelled when the handler is about to end.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Calls under way.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Notes the begin of a call.</summary>
    public void Enter() => Interlocked.Increment(ref _calls);

    /// <summary>Notes the end of a call.</summary>
    public void Leave() => Interlocked.Decrement(ref _calls);

    /// <summary>Stops what runs long; answers are given still.</summary>
    public void Stop() => _stopping.Cancel();

    public void Dispose() => _stopping.Dispose();
}
