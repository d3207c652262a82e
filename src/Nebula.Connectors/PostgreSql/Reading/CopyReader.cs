using System.Buffers;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Reads the answer to a <c>COPY</c> and cuts it between rows.</summary>
/// <param name="connection">The connection, which this owns.</param>
/// <param name="copy">The answer.</param>
/// <param name="connections">Where the connection came from.</param>
/// <param name="plan">The columns.</param>
/// <param name="context">Block size and pool.</param>
internal sealed class CopyReader(LentConnection connection, NpgsqlRawCopyStream copy, PostgreSqlConnections connections, StreamPlan plan, ReadContext context) : ISourceReader
{
    private const int ReadSize = 64 << 10;
    private readonly TupleCutter _cutter = new(plan.Stream.Name, plan.Columns.Length, context.MaxRecordSize);
    private readonly CopyDecoder _decoder = new(plan, context.Pool);
    private readonly byte[] _read = ArrayPool<byte>.Shared.Rent(ReadSize);
    private PooledBuffer? _carried;
    private bool _isAtEnd;
    private bool _isDisposed;
    private bool _isCancelled;
    private long _position;
    private long _bytesRead;

    // what the server sends is not what it stores
    public long? TotalBytes => null;

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public async ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
    {
        var buffer = Take();
        try
        {
            while (true)
            {
                await FillAsync(buffer, cancellationToken).ConfigureAwait(false);
                var header = _cutter.SkipHeader(buffer.Content);
                if (header > 0)
                    RemoveStart(buffer, header);
                var end = _cutter.Cut(buffer.Content, _position, out var rows);
                if (rows > 0)
                {
                    var block = new RawBlock(buffer, new SourcePosition(plan.Stream.Name, _position)) { Context = rows };
                    Carry(buffer, end);
                    buffer.Length = end;
                    _position += end;
                    return block;
                }
                if (_cutter.IsEnded && _isAtEnd)
                {
                    buffer.Dispose();
                    return null;
                }
                if (_isAtEnd)
                    throw connections.Errors.Translate(new EndOfStreamException("The answer ended before its last row."), $"'{plan.Stream.Name}' cannot be read")!;
                if (buffer.Length == buffer.Capacity)
                    buffer = Grow(buffer);
            }
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public void Decode(RawBlock block, IDecodeSink sink) => _decoder.Decode(block, sink);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _carried?.Dispose();
        try
        {
            // without this the rest of the answer would be read to its end
            if (_isAtEnd)
                await copy.DisposeAsync().ConfigureAwait(false);
            else if (!_isCancelled)
                await copy.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // the connection is closed below, which ends it too
        }
        ArrayPool<byte>.Shared.Return(_read);
        if (_isCancelled)
            await connections.EndAsync(connection).ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask FillAsync(PooledBuffer buffer, CancellationToken cancellationToken)
    {
        while (!_isAtEnd && buffer.Length < buffer.Capacity)
        {
            int count;
            try
            {
                count = await copy.ReadAsync(_read.AsMemory(0, Math.Min(ReadSize, buffer.Capacity - buffer.Length)), cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _isCancelled = true;
                throw;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && connections.Errors.Translate(e, $"'{plan.Stream.Name}' cannot be read") is { } translated)
            {
                throw translated;
            }
            if (count == 0)
            {
                _isAtEnd = true;
                return;
            }
            _read.AsSpan(0, count).CopyTo(buffer.Span[buffer.Length..]);
            buffer.Length += count;
            Interlocked.Add(ref _bytesRead, count);
            if (context.PreferLatency)
                return;
        }
    }

    private PooledBuffer Take()
    {
        var buffer = _carried ?? context.Pool.Rent(context.BlockSize);
        _carried = null;
        return buffer;
    }

    private void Carry(PooledBuffer buffer, int end)
    {
        var rest = buffer.Content[end..];
        if (rest.Length == 0)
            return;
        _carried = context.Pool.Rent(Math.Max(context.BlockSize, rest.Length));
        rest.CopyTo(_carried.Span);
        _carried.Length = rest.Length;
    }

    private void RemoveStart(PooledBuffer buffer, int count)
    {
        buffer.Content[count..].CopyTo(buffer.Span);
        buffer.Length -= count;
        _position += count;
    }

    private PooledBuffer Grow(PooledBuffer buffer)
    {
        var larger = context.Pool.Rent((int)Math.Min(2L * buffer.Capacity, BufferPool.MaxCapacity));
        buffer.Content.CopyTo(larger.Span);
        larger.Length = buffer.Length;
        buffer.Dispose();
        return larger;
    }
}
