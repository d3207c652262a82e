using System.Threading.Channels;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Hands blocks from threads that read them, and block on the network, to one that takes them. Each reader fills one more while others wait to be
/// taken.</summary>
/// <typeparam name="T">The blocks.</typeparam>
/// <param name="capacity">How many blocks may wait.</param>
internal sealed class BlockQueue<T>(int capacity) : IDisposable where T : class, IDisposable
{
    private readonly Channel<T> _blocks = Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();

    // a thread waits for room by Monitor, which does not turn round and round first: its processor is the server's as well
    private readonly object _room = new();
    private int _waiting;

    /// <summary>Cancelled when no more blocks are taken.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>Waits for room, and hands a block over, which is gone when it is not taken. Blocks the thread.</summary>
    /// <param name="block">The block.</param>
    /// <returns>False when no more is taken: it is closed, or another reader failed, which it then says.</returns>
    public bool Put(T block)
    {
        lock (_room)
        {
            while (_waiting == capacity && !_stop.IsCancellationRequested)
                Monitor.Wait(_room);
            if (!_stop.IsCancellationRequested && _blocks.Writer.TryWrite(block))
            {
                _waiting++;
                return true;
            }
        }
        block.Dispose();
        return false;
    }

    /// <summary>Waits, unless no more blocks are taken. Blocks the thread.</summary>
    /// <param name="time">How long.</param>
    public void Rest(TimeSpan time) => _ = _stop.Token.WaitHandle.WaitOne(time);

    /// <summary>Says that all blocks were handed over.</summary>
    public void Complete() => _blocks.Writer.TryComplete();

    /// <summary>Says that no more can be read.</summary>
    /// <param name="error">Why.</param>
    public void Fail(Exception error)
    {
        _blocks.Writer.TryComplete(error);
        _stop.Cancel();
        EndWaits();
    }

    /// <summary>Takes the next block.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The block, which belongs to the caller; null when there are no more.</returns>
    public async ValueTask<T?> TakeAsync(CancellationToken cancellationToken)
    {
        if (!await _blocks.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_blocks.Reader.TryRead(out var block))
            return null;
        lock (_room)
        {
            _waiting--;
            Monitor.Pulse(_room);
        }
        return block;
    }

    /// <summary>Ends the readers' waits. They hand over nothing more.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        EndWaits();
        _blocks.Writer.TryComplete();
    }

    /// <summary>Gives back what nobody took. The readers have ended.</summary>
    public void Dispose()
    {
        while (_blocks.Reader.TryRead(out var block))
            block.Dispose();
        _stop.Dispose();
    }

    private void EndWaits()
    {
        lock (_room)
            Monitor.PulseAll(_room);
    }
}
