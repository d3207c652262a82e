using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>
/// Reads an object in any order. Small reads are served from blocks that are kept for a while, and that are fetched ahead where reads go on one behind the
/// other; large ones
/// are fetched as they are, in several ranges at once.
/// </summary>
/// <param name="name">The object, for messages.</param>
/// <param name="reader">Reads ranges.</param>
/// <param name="cancellationToken">Ends reads that wait, and later ones.</param>
internal sealed class CachedRanges(string name, RangeReader reader, CancellationToken cancellationToken) : IRandomAccess
{
    private const int BlockSize = 1 << 20;
    private const int MostAhead = 4;
    private const int LargeRead = 2 * BlockSize;
    private readonly Lock _lock = new();
    private readonly LinkedList<Block> _blocks = new();
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    private long _lastBlock = long.MinValue;
    private int _ahead;
    private bool _disposed;

    public string Name => name;

    public long Length => reader.Length;

    public void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || target.Length > Length - offset)
            throw new DataFormatException($"{target.Length} bytes are needed here, but the file ends at byte {Length}: it was cut off, or is corrupt.",
                new SourceLocation(name, ByteOffset: offset));
        _stop.Token.ThrowIfCancellationRequested();
        if (target.Length >= LargeRead)
        {
            ReadLarge(offset, target);
            return;
        }
        while (!target.IsEmpty)
        {
            var within = (int)(offset % BlockSize);
            var count = Math.Min(target.Length, BlockSize - within);
            CopyFromBlock(offset / BlockSize, within, target[..count]);
            target = target[count..];
            offset += count;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _stop.Cancel();
            foreach (var block in _blocks)
                block.Release();
            _blocks.Clear();
        }
        _stop.Dispose();
    }

    private void ReadLarge(long offset, Span<byte> target)
    {
        var size = Math.Clamp(target.Length / TransferMemory.MostRanges, BlockSize, TransferMemory.LargestRange);
        var ranges = new Queue<(TransferBuffer Buffer, int Length, Task Filled)>();
        var asked = 0;
        var written = 0;
        try
        {
            while (written < target.Length)
            {
                for (; ranges.Count < TransferMemory.MostRanges && asked < target.Length; asked += ranges.Last().Length)
                {
                    var length = Math.Min(size, target.Length - asked);
                    var buffer = TransferBuffer.Rent(length);
                    ranges.Enqueue((buffer, length, reader.FillAsync(offset + asked, buffer.Memory[..length], _stop.Token)));
                }
                var (filled, count, task) = ranges.Peek();
                task.GetAwaiter().GetResult();
                filled.GetSpan()[..count].CopyTo(target[written..]);
                written += count;
                ranges.Dequeue().Buffer.Return();
            }
        }
        finally
        {
            foreach (var (buffer, _, task) in ranges)
                new Block(0, buffer, 0, task).Release();
        }
    }

    private void CopyFromBlock(long index, int within, Span<byte> target)
    {
        Block block;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            block = Find(index);
            block.Users++;
        }
        try
        {
            block.Filled.GetAwaiter().GetResult();
            block.Buffer.GetSpan().Slice(within, target.Length).CopyTo(target);
        }
        finally
        {
            lock (_lock)
            {
                block.Users--;
                // what failed is not kept: the next read asks again
                if (!block.Filled.IsCompletedSuccessfully && _blocks.Remove(block) && block.Users == 0)
                    block.Release();
            }
        }
    }

    private Block Find(long index)
    {
        for (var node = _blocks.First; node is not null; node = node.Next)
            if (node.Value.Index == index)
            {
                _blocks.Remove(node);
                _blocks.AddFirst(node);
                Advance(index);
                return node.Value;
            }
        Advance(index);
        var found = Fetch(index);
        for (var i = 1; i <= _ahead && (index + i) * BlockSize < Length; i++)
            if (_blocks.All(block => block.Index != index + i))
                Fetch(index + i);
        _blocks.Remove(found);
        _blocks.AddFirst(found);
        return found;
    }

    /// <summary>Reads that go from block to block are expected to go on, and further the longer they do.</summary>
    private void Advance(long index)
    {
        if (index != _lastBlock)
            _ahead = index == _lastBlock + 1 ? Math.Min(_ahead + 1, MostAhead) : 0;
        _lastBlock = index;
    }

    private Block Fetch(long index)
    {
        var length = (int)Math.Min(BlockSize, Length - index * BlockSize);
        var buffer = TransferBuffer.Rent(length);
        var block = new Block(index, buffer, length, reader.FillAsync(index * BlockSize, buffer.Memory[..length], _stop.Token));
        _blocks.AddFirst(block);
        for (var node = _blocks.Last; _blocks.Count > TransferMemory.BlocksKept && node is not null;)
        {
            var before = node.Previous;
            if (node.Value is { Users: 0, Filled.IsCompleted: true })
            {
                _blocks.Remove(node);
                node.Value.Release();
            }
            node = before;
        }
        return block;
    }

    private sealed class Block(long index, TransferBuffer buffer, int length, Task filled)
    {
        public long Index => index;

        public TransferBuffer Buffer => buffer;

        public int Length => length;

        public Task Filled => filled;

        /// <summary>Reads that copy from it now.</summary>
        public int Users { get; set; }

        public void Release()
        {
            // nobody may write into a buffer that is somebody else's
            ((IAsyncResult)filled).AsyncWaitHandle.WaitOne();
            _ = filled.Exception;
            buffer.Return();
        }
    }
}
