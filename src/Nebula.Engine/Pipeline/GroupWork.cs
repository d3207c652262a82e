using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>Rows on their way that are encoded together: a row group of a file, for example.</summary>
/// <param name="batch">The rows.</param>
/// <param name="writer">Encodes them.</param>
internal sealed class GroupWork(RecordBatch batch, IDestinationWriter writer) : IWork, IDisposable
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private EncodedBlock? _encoded;
    private Exception? _error;
    private bool _disposed;

    public void Process()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            try
            {
                using (batch)
                    _encoded = writer.Encode(batch);
            }
            catch (Exception e)
            {
                _error = e;
            }
        }
        _done.TrySetResult();
    }

    /// <summary>Waits until the rows are encoded.</summary>
    /// <returns>The bytes, which stay the work's.</returns>
    public async ValueTask<EncodedBlock> EncodedAsync(CancellationToken cancellationToken)
    {
        await _done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return _error is null ? _encoded! : throw _error;
    }

    /// <summary>Waits until nothing of the rows is held any more.</summary>
    public Task GoneAsync(CancellationToken cancellationToken) => _gone.Task.WaitAsync(cancellationToken);

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            batch.Dispose();
            _encoded?.Dispose();
        }
        _gone.TrySetResult();
    }
}
