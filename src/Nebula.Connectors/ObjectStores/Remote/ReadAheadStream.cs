using Nebula.Connectors.Files;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>
/// Reads an object forwards, several ranges ahead. It begins with one small range and takes more and larger ones as it goes on, so that a look at the start
/// costs little.
/// </summary>
internal sealed class ReadAheadStream : ReadOnlyStream
{
    /// <summary>Bytes of the first range.</summary>
    public const int SmallestRange = 1 << 20;

    private readonly RangeReader _reader;
    private readonly CancellationTokenSource _stop;
    private readonly Queue<Range> _ahead = new();
    private readonly int _largest = TransferMemory.LargestRange;
    private Range? _current;
    private int _position;
    private long _next;
    private int _size = SmallestRange;
    private int _depth = 1;

    /// <param name="reader">Reads ranges.</param>
    /// <param name="offset">The first byte wanted.</param>
    /// <param name="cancellationToken">Ends reads that wait, and later ones.</param>
    public ReadAheadStream(RangeReader reader, long offset, CancellationToken cancellationToken)
    {
        _reader = reader;
        _next = offset;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_current is null || _position == _current.Length)
        {
            Release(ref _current);
            _stop.Token.ThrowIfCancellationRequested();
            Ask();
            if (!_ahead.TryDequeue(out _current))
                return 0;
            _position = 0;
            // what comes next is asked for before this one is waited for
            Ask();
            _current.Filled.GetAwaiter().GetResult();
            _depth = Math.Min(_depth + 1, TransferMemory.MostRanges);
        }
        var count = Math.Min(buffer.Length, _current.Length - _position);
        _current.Buffer.GetSpan().Slice(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_stop.IsCancellationRequested)
            _stop.Cancel();
        if (disposing)
        {
            Release(ref _current);
            while (_ahead.TryDequeue(out var range))
                Release(ref range);
            _stop.Dispose();
        }
        base.Dispose(disposing);
    }

    private static void Release(ref Range? range)
    {
        if (range is null)
            return;
        // nobody may write into a buffer that is somebody else's
        ((IAsyncResult)range.Filled).AsyncWaitHandle.WaitOne();
        _ = range.Filled.Exception;
        range.Buffer.Return();
        range = null;
    }

    private void Ask()
    {
        // the first range goes alone: who only wants the start does not pay for more
        while (_ahead.Count < _depth && _next < _reader.Length && (_current is null || _depth > 1))
        {
            var length = (int)Math.Min(_size, _reader.Length - _next);
            var buffer = TransferBuffer.Rent(length);
            _ahead.Enqueue(new Range(buffer, length, _reader.FillAsync(_next, buffer.Memory[..length], _stop.Token)));
            _next += length;
            _size = Math.Min(_size * 2, _largest);
        }
    }

    private sealed record Range(TransferBuffer Buffer, int Length, Task Filled);
}
