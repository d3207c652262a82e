namespace Nebula.Engine.Pipeline;

/// <summary>What the workers of a <see cref="ChunkPipeline"/> have to do. What ends sooner is done first: groups that only need to be encoded come before blocks.</summary>
internal sealed class WorkQueue : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly Queue<IWork> _groups = new();
    private readonly Queue<IWork> _blocks = new();

    /// <summary>Adds a block to decode.</summary>
    public void AddBlock(IWork work) => Add(_blocks, work);

    /// <summary>Adds rows to encode.</summary>
    public void AddGroup(IWork work) => Add(_groups, work);

    /// <summary>Waits for the next work.</summary>
    /// <returns>The work; null when there will be none.</returns>
    public IWork? Take(CancellationToken cancellationToken)
    {
        _available.Wait(cancellationToken);
        lock (_lock)
            return _groups.TryDequeue(out var work) || _blocks.TryDequeue(out work) ? work : null;
    }

    /// <summary>Takes rows to encode if there are any.</summary>
    public IWork? TryTakeGroup()
    {
        lock (_lock)
            if (_groups.Count == 0)
                return null;
        if (!_available.Wait(0))
            return null;
        lock (_lock)
            if (_groups.TryDequeue(out var group))
                return group;
        _available.Release();
        return null;
    }

    /// <summary>Lets workers that find nothing to do end.</summary>
    /// <param name="workers">Their number.</param>
    public void Complete(int workers) => _available.Release(workers);

    public void Dispose() => _available.Dispose();

    private void Add(Queue<IWork> queue, IWork work)
    {
        lock (_lock)
            queue.Enqueue(work);
        _available.Release();
    }
}
