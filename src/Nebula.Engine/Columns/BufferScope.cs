namespace Nebula.Engine.Columns;

/// <summary>Holds what is being assembled from several buffers, so that an exception halfway returns those already rented.</summary>
internal sealed class BufferScope : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>Takes something over.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="item">What is disposed of with the scope.</param>
    /// <returns>The same.</returns>
    public T Add<T>(T item) where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>Gives everything up: from here on the result owns it.</summary>
    public void Release() => _owned.Clear();

    /// <summary>Disposes of everything not given up.</summary>
    public void Dispose()
    {
        foreach (var item in _owned)
            item.Dispose();
        _owned.Clear();
    }
}
