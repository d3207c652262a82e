namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>An object while it is uploaded: parts go out in the background as they fill up, a few at a time.</summary>
/// <param name="upload">Takes the parts.</param>
/// <param name="slots">How many parts the store sends at a time.</param>
/// <param name="partSize">Bytes of the first parts; they grow, so that no number of parts limits an object.</param>
/// <param name="ended">Called once, when it is complete or given up.</param>
internal sealed class StagedUpload(IPartUpload upload, SemaphoreSlim slots, int partSize, Action ended) : IStagedObject
{
    private const int SmallestBuffer = 64 << 10;
    private const int LargestPart = 64 << 20;

    // 10,000 parts, the most that any service takes, are then half a terabyte; 50,000 are three
    private const int PartsUntilTheyGrow = 1_000;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Task> _underWay = new();
    private TransferBuffer? _buffer;
    private int _filled;
    private int _parts;
    private string? _location;
    private bool _disposed;

    public string Location => _location ?? throw new InvalidOperationException("An upload has a location once it is complete.");

    public long Length { get; private set; }

    private int PartSize => (int)Math.Min((long)partSize << Math.Min(_parts / PartsUntilTheyGrow, 8), LargestPart);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var size = PartSize;
            // small objects take little; who has filled a part will fill the next
            if (_buffer is null || (_filled == _buffer.Length && _filled < size))
                Enlarge(_parts > 0 ? size : Math.Min(size, _filled + bytes.Length));
            var count = Math.Min(bytes.Length, Math.Min(_buffer!.Length, size) - _filled);
            bytes[..count].CopyTo(_buffer.GetSpan()[_filled..]);
            _filled += count;
            Length += count;
            bytes = bytes[count..];
            if (_filled == size)
                Send();
        }
    }

    public void Flush()
    {
    }

    public void Complete()
    {
        // an object without bytes is one part without bytes
        if (_filled > 0 || _parts == 0)
            Send();
        while (_underWay.TryDequeue(out var oldest))
            oldest.GetAwaiter().GetResult();
        _location = upload.Complete(_parts, Length);
    }

    public void Interrupt()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // it has ended meanwhile
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_location is null)
        {
            _stop.Cancel();
            foreach (var part in _underWay)
            {
                ((IAsyncResult)part).AsyncWaitHandle.WaitOne();
                _ = part.Exception;
            }
            upload.AbortAsync().GetAwaiter().GetResult();
        }
        _buffer?.Return();
        _buffer = null;
        _stop.Dispose();
        ended();
    }

    private void Enlarge(int needed)
    {
        var larger = TransferBuffer.Rent(Math.Min(Math.Max(Math.Max(needed, 2 * _filled), SmallestBuffer), PartSize));
        if (_buffer is not null)
        {
            _buffer.GetSpan()[.._filled].CopyTo(larger.GetSpan());
            _buffer.Return();
        }
        _buffer = larger;
    }

    private void Send()
    {
        _stop.Token.ThrowIfCancellationRequested();
        // the oldest is waited for even if it failed: that ends the write
        var most = TransferMemory.PartsUnderWay(PartSize);
        while (_underWay.Count >= most || (_underWay.TryPeek(out var first) && first.IsCompleted))
            _underWay.Dequeue().GetAwaiter().GetResult();
        var content = _buffer ?? TransferBuffer.Rent(1);
        var length = _filled;
        (_buffer, _filled) = (null, 0);
        _underWay.Enqueue(SendAsync(_parts++, content, length));
    }

    private async Task SendAsync(int number, TransferBuffer content, int length)
    {
        try
        {
            await slots.WaitAsync(_stop.Token).ConfigureAwait(false);
            try
            {
                await upload.AddAsync(number, content.Memory[..length], _stop.Token).ConfigureAwait(false);
            }
            finally
            {
                slots.Release();
            }
        }
        finally
        {
            content.Return();
        }
    }
}
