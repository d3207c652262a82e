namespace Nebula.Engine.Pipeline;

/// <summary>
/// What the workers of a <see cref="ChunkPipeline"/> have to do. What ends sooner is done first: groups that only need to be encoded come before blocks.
/// </summary>
internal sealed class WorkQueue
{
    // a Lock has no conditions to wait for, and a semaphore spins: with as many workers as processors, that takes time from those who work
    private readonly object _lock = new();
    private readonly Queue<IWork> _groups = new();
    private readonly Queue<IWork> _blocks = new();
    private bool _isComplete;
    private bool _isStopped;

    /// <summary>Adds a block to decode.</summary>
    public void AddBlock(IWork work) => Add(_blocks, work);

    /// <summary>Adds rows to encode.</summary>
    public void AddGroup(IWork work) => Add(_groups, work);

    /// <summary>Waits for the next work.</summary>
    /// <returns>The work; null when there will be none.</returns>
    public IWork? Take()
    {
        lock (_lock)
            while (true)
            {
                if (_isStopped)
                    return null;
                if (_groups.TryDequeue(out var work) || _blocks.TryDequeue(out work))
                    return work;
                if (_isComplete)
                    return null;
                Monitor.Wait(_lock);
            }
    }

    /// <summary>Takes rows to encode if there are any.</summary>
    public IWork? TryTakeGroup()
    {
        lock (_lock)
            return _groups.TryDequeue(out var group) ? group : null;
    }

    /// <summary>Lets workers end that find nothing to do.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _isComplete = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Lets workers end, whatever there is to do.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Add(Queue<IWork> queue, IWork work)
    {
        lock (_lock)
        {
            queue.Enqueue(work);
            Monitor.Pulse(_lock);
        }
    }
}
