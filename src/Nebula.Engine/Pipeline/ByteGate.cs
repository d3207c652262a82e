namespace Nebula.Engine.Pipeline;

/// <summary>
/// Bounds what is under way, in bytes. Whoever wants in waits until there is room; when nothing is under way anything may enter, however large, or a giant
/// would wait for ever.
/// </summary>
internal sealed class ByteGate(long limit)
{
    private readonly Lock _lock = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Entered)> _waiting = new();
    private long _inside;

    /// <summary>Bytes under way.</summary>
    public long Inside
    {
        get
        {
            lock (_lock)
                return _inside;
        }
    }

    /// <summary>Enters with a number of bytes, after waiting for room.</summary>
    public async ValueTask EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        TaskCompletionSource entered;
        lock (_lock)
        {
            if (_waiting.Count == 0 && HasRoom(bytes))
            {
                _inside += bytes;
                return;
            }
            entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, entered));
        }
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), entered);
        await entered.Task.ConfigureAwait(false);
    }

    /// <summary>Corrects the bytes of one who is inside, once they are known.</summary>
    public void Adjust(long difference) => Leave(-difference);

    /// <summary>Leaves with a number of bytes.</summary>
    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _inside -= bytes;
            while (_waiting.TryPeek(out var next) && (next.Entered.Task.IsCompleted || HasRoom(next.Bytes)))
            {
                _waiting.Dequeue();
                if (next.Entered.TrySetResult())
                    _inside += next.Bytes;
            }
        }
    }

    private bool HasRoom(long bytes) => _inside <= 0 || _inside + bytes <= limit;
}
