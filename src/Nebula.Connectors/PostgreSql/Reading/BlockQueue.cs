using System.Threading.Channels;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Hands blocks from threads that read them, and block on the network, to one that takes them: one block waits, and each reader fills one more
/// meanwhile.</summary>
/// <typeparam name="T">The blocks.</typeparam>
internal sealed class BlockQueue<T> : IDisposable where T : class, IDisposable
{
    private readonly Channel<T> _blocks = Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _room = new(1);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Cancelled when no more blocks are taken.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>Waits for room, and hands a block over, which is gone when it is not taken. Blocks the thread.</summary>
    /// <param name="block">The block.</param>
    /// <returns>False when no more is taken: it is closed, or another reader failed, which it then says.</returns>
    public bool Put(T block)
    {
        try
        {
            _room.Wait(_stop.Token);
            if (_blocks.Writer.TryWrite(block))
                return true;
        }
        catch (OperationCanceledException)
        {
            // nobody makes room any more
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
    }

    /// <summary>Takes the next block.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The block, which belongs to the caller; null when there are no more.</returns>
    public async ValueTask<T?> TakeAsync(CancellationToken cancellationToken)
    {
        if (!await _blocks.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_blocks.Reader.TryRead(out var block))
            return null;
        _room.Release();
        return block;
    }

    /// <summary>Ends the readers' waits. They hand over nothing more.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _blocks.Writer.TryComplete();
    }

    /// <summary>Gives back what nobody took. The readers have ended.</summary>
    public void Dispose()
    {
        while (_blocks.Reader.TryRead(out var block))
            block.Dispose();
        _stop.Dispose();
        _room.Dispose();
    }
}
