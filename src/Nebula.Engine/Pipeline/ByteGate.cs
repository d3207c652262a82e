namespace Nebula.Engine.Pipeline;

/// <summary>
/// Bounds what is under way, in number and bytes. Whoever wants in waits until there is room; when nothing is under way anything may enter, however large,
/// or a giant would wait for ever.
/// </summary>
/// <param name="limit">Most bytes under way.</param>
/// <param name="most">Most that is under way, whatever its bytes.</param>
internal sealed class ByteGate(long limit, int most)
{
    private readonly Lock _lock = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Entered)> _waiting = new();
    private long _inside;
    private int _count;

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
                _count++;
                return;
            }
            entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, entered));
        }
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), entered);
        await entered.Task.ConfigureAwait(false);
    }

    /// <summary>Corrects the bytes of one who is inside, once they are known.</summary>
    public void Adjust(long difference)
    {
        lock (_lock)
        {
            _inside += difference;
            Admit();
        }
    }

    /// <summary>Leaves with a number of bytes.</summary>
    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _inside -= bytes;
            _count--;
            Admit();
        }
    }

    private void Admit()
    {
        while (_waiting.TryPeek(out var next) && (next.Entered.Task.IsCompleted || HasRoom(next.Bytes)))
        {
            _waiting.Dequeue();
            if (!next.Entered.TrySetResult())
                continue;
            _inside += next.Bytes;
            _count++;
        }
    }

    private bool HasRoom(long bytes) => _count == 0 || (_count < most && _inside + bytes <= limit);
}
