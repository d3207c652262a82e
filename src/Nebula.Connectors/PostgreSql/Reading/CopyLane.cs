using System.Diagnostics;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Reads the answers to <c>COPY</c> on one connection, on a thread of its own, and cuts them between rows.</summary>
/// <param name="connection">The connection, which this owns.</param>
/// <param name="queries">What is asked.</param>
/// <param name="plan">The columns.</param>
/// <param name="context">Block size and pool.</param>
/// <param name="form">In which form the server answers.</param>
/// <param name="take">Takes blocks and waits for room; false when no more are wanted.</param>
internal sealed class CopyLane(LentConnection connection, CopyQueries queries, StreamPlan plan, ReadContext context, CopyForm form, Func<RawBlock, bool> take)
{
    private volatile NpgsqlRawCopyStream? _copy;
    // an answer takes no longer to give that lies in memory already
    private static readonly TimeSpan LongestOfMemory = TimeSpan.FromMicroseconds(5);
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(1);
    private readonly object _stop = new();
    private volatile bool _isStopped;
    private PooledBuffer? _buffer;
    private IRowCutter _cutter = null!;
    private bool _isAtEnd;
    private long _position;
    private long _bytesRead;

    /// <summary>The connection.</summary>
    public LentConnection Connection => connection;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Asks the first question.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (queries.Next() is not { } query)
            return;
        _copy = await SqlStatement.RunAsync(query, plan, queries.After,
            () => form.BeginAsync(connection.Connection, query, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Asks the first question. Blocks the thread.</summary>
    public void Start()
    {
        if (queries.Next() is { } query)
            _copy = SqlStatement.Run(query, plan, queries.After, () => form.Begin(connection.Connection, query));
    }

    /// <summary>Reads the answer, then asks again until there is nothing left to ask. Blocks the thread.</summary>
    public void Run()
    {
        try
        {
            while (_copy is not null || Ask())
            {
                if (!Read(_copy!))
                    return;
                _copy!.Dispose();
                _copy = null;
            }
        }
        finally
        {
            _buffer?.Dispose();
            _buffer = null;
            if (_copy is not null)
                StopAsync().GetAwaiter().GetResult();
        }
    }

    /// <summary>Makes <see cref="Run"/> end soon: what the server is doing is cancelled, as the rest of the answer would be read otherwise.</summary>
    public async Task StopAsync()
    {
        lock (_stop)
        {
            _isStopped = true;
            Monitor.PulseAll(_stop);
        }
        try
        {
            if (_copy is { } copy)
                await copy.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // it has just ended, or the connection is broken, which ends it too
        }
    }

    private bool Ask()
    {
        _copy = !_isStopped && queries.Next() is { } query ? form.Begin(connection.Connection, query) : null;
        return _copy is not null;
    }

    /// <summary>Reads an answer to its end.</summary>
    /// <returns>False when it was stopped before.</returns>
    private bool Read(NpgsqlRawCopyStream copy)
    {
        _cutter = form.CreateCutter();
        _isAtEnd = false;
        _position = 0;
        while (!_isStopped)
        {
            _buffer ??= context.Pool.Rent(context.BlockSize);
            Fill(copy, _buffer);
            var header = _cutter.SkipHeader(_buffer.Content);
            if (header > 0)
                RemoveStart(_buffer, header);
            var end = _cutter.Cut(_buffer.Content, _position, _isAtEnd, out var cut);
            if (end > 0)
            {
                if (!take(Block(_buffer, end, cut)))
                    return false;
            }
            else if (_cutter.IsEnded && _isAtEnd)
            {
                _buffer.Length = 0;
                return true;
            }
            else if (_isAtEnd)
                throw new EndOfStreamException("The answer ended before its last row.");
            else if (_buffer.Length == _buffer.Capacity)
                Grow();
        }
        return false;
    }

    private void Fill(NpgsqlRawCopyStream copy, PooledBuffer buffer)
    {
        var before = buffer.Length;
        var last = Stopwatch.GetTimestamp();
        while (!_isAtEnd && !_isStopped && buffer.Length < buffer.Capacity)
        {
            var count = copy.Read(buffer.Span[buffer.Length..]);
            _isAtEnd = count == 0;
            buffer.Length += count;
            if (context.PreferLatency)
                break;
            // the server sends 8 kB at a time, each of which would wake this thread: what has to be asked of the system is asked for when there is more
            var now = Stopwatch.GetTimestamp();
            if (Stopwatch.GetElapsedTime(last, now) > LongestOfMemory && !_isAtEnd)
            {
                lock (_stop)
                    if (!_isStopped)
                        Monitor.Wait(_stop, Gathering);
                now = Stopwatch.GetTimestamp();
            }
            last = now;
        }
        Interlocked.Add(ref _bytesRead, buffer.Length - before);
    }

    private RawBlock Block(PooledBuffer buffer, int end, int cut)
    {
        var rest = buffer.Content[end..];
        _buffer = null;
        if (rest.Length > 0)
        {
            _buffer = context.Pool.Rent(Math.Max(context.BlockSize, rest.Length));
            rest.CopyTo(_buffer.Span);
            _buffer.Length = rest.Length;
        }
        buffer.Length = end;
        var block = new RawBlock(buffer, new SourcePosition(plan.Stream.Name, _position)) { Context = cut };
        _position += end;
        return block;
    }

    private void RemoveStart(PooledBuffer buffer, int count)
    {
        buffer.Content[count..].CopyTo(buffer.Span);
        buffer.Length -= count;
        _position += count;
    }

    private void Grow()
    {
        var larger = context.Pool.Rent((int)Math.Min(2L * _buffer!.Capacity, BufferPool.MaxCapacity));
        _buffer.Content.CopyTo(larger.Span);
        larger.Length = _buffer.Length;
        _buffer.Dispose();
        _buffer = larger;
    }
}
