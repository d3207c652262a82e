namespace Nebula.Engine.Pipeline;

/// <summary>
/// Bounds what came out of blocks and waits for its turn. A block whose turn it is may always add when nothing of it waits, however large, so that there is
/// always one who goes on; the others wait until there is room or their turn has come.
/// </summary>
/// <param name="limit">Most bytes that wait.</param>
internal sealed class OutputWindow(long limit)
{
    // a Lock has no conditions to wait for
    private readonly object _lock = new();
    private long _waiting;
    private long _turn;
    private long _changes;
    private bool _isStopped;

    /// <summary>Adds bytes of a block, after waiting for room.</summary>
    /// <param name="share">The block's share.</param>
    /// <param name="bytes">Number of bytes.</param>
    /// <param name="work">Where those who wait find something else to do: room for rows is made by encoding others.</param>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public void Enter(OutputShare share, long bytes, WorkQueue work)
    {
        lock (_lock)
        {
            while (!HasRoom(share, bytes))
            {
                if (_isStopped)
                    throw new OperationCanceledException();
                if (!Help(work))
                    Monitor.Wait(_lock);
            }
            _waiting += bytes;
            share.Bytes += bytes;
        }
    }

    /// <summary>Takes bytes out.</summary>
    /// <param name="share">The block's share.</param>
    /// <param name="bytes">Number of bytes.</param>
    public void Leave(OutputShare share, long bytes)
    {
        lock (_lock)
        {
            _waiting -= bytes;
            share.Bytes -= bytes;
            Wake();
        }
    }

    /// <summary>Ends the turn of a block.</summary>
    public void NextTurn()
    {
        lock (_lock)
        {
            _turn++;
            Wake();
        }
    }

    /// <summary>Ends all waiting.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
            Wake();
        }
    }

    /// <summary>Lets those who wait look again whether there is something to do.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _changes++;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Does somebody else's work, without the lock. False when there was none, and nothing has changed meanwhile.</summary>
    private bool Help(WorkQueue work)
    {
        var before = _changes;
        Monitor.Exit(_lock);
        try
        {
            if (work.TryTakeGroup() is { } group)
            {
                group.Process();
                return true;
            }
        }
        finally
        {
            Monitor.Enter(_lock);
        }
        return _changes != before;
    }

    private bool HasRoom(OutputShare share, long bytes) => _waiting + bytes <= limit || share.Block == _turn && share.Bytes == 0;
}
