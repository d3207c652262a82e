namespace Nebula.Engine.Pipeline;

/// <summary>
/// Bounds what is under way, in number and bytes. Whoever wants in waits until there is room; when nothing is under way anything may enter, however large,
/// or a giant would wait for ever.
/// </summary>
/// <param name="limit">Most bytes under way.</param>
/// <param name="most">Most that is under way, whatever its bytes.</param>
internal sealed class ByteGate(long limit, int most)
{
    // a Lock has no conditions to wait for
    private readonly object _lock = new();
    private long _inside;
    private int _count;
    private bool _isStopped;

    /// <summary>Enters with a number of bytes, after waiting for room.</summary>
    /// <param name="bytes">Number of bytes.</param>
    /// <returns>False when the gate was closed.</returns>
    public bool Enter(long bytes)
    {
        lock (_lock)
        {
            while (!_isStopped && _count > 0 && (_count >= most || _inside + bytes > limit))
                Monitor.Wait(_lock);
            if (_isStopped)
                return false;
            _inside += bytes;
            _count++;
            return true;
        }
    }

    /// <summary>Corrects the bytes of one who is inside, once they are known.</summary>
    /// <param name="difference">What is to be added.</param>
    public void Adjust(long difference)
    {
        lock (_lock)
        {
            _inside += difference;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Leaves with a number of bytes.</summary>
    /// <param name="bytes">Those entered with, corrections included.</param>
    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _inside -= bytes;
            _count--;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Closes the gate for good.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
            Monitor.PulseAll(_lock);
        }
    }
}
