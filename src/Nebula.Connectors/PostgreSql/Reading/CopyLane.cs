using System.Diagnostics;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Reads the answers to <c>COPY</c> on one connection, on a thread of its own.</summary>
/// <param name="connection">The connection, which this owns.</param>
/// <param name="queries">What is asked.</param>
/// <param name="plan">The columns.</param>
/// <param name="context">Block size and pool.</param>
/// <param name="form">In which form the server answers.</param>
/// <param name="blocks">Takes blocks.</param>
internal sealed class CopyLane(LentWire connection, CopyQueries queries, StreamPlan plan, ReadContext context, CopyForm form, BlockQueue<RawBlock> blocks)
{
    // where others are at work: pg_dump leaves them more, as it reads more slowly. The system keeps what comes in the first tenths of a second of a rest, so that
    // the server would not notice a shorter one.
    private static readonly TimeSpan WorkTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RestTime = TimeSpan.FromSeconds(1);
    private CopyOut? _copy;
    private long _rested = Stopwatch.GetTimestamp();
    private long _bytesRead;

    /// <summary>The connection.</summary>
    public LentWire Connection => connection;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Asks the first question. Blocks the thread.</summary>
    public void Start()
    {
        if (queries.Next() is { } query)
            SqlStatement.Run(query, plan, queries.After, () => Ask(query));
    }

    /// <summary>Reads the answer, then asks again until there is nothing left to ask. Blocks the thread.</summary>
    public void Run()
    {
        while (_copy is not null || queries.Next() is { } query && Ask(query))
        {
            if (!Read(_copy!))
            {
                connection.Connection.Cancel();
                return;
            }
            _copy = null;
        }
    }

    private bool Ask(string query)
    {
        _copy = connection.Connection.BeginCopy(query, plan.Stream.Name, context.MaxRecordSize);
        return true;
    }

    /// <summary>Reads an answer to its end.</summary>
    /// <returns>False when no more is wanted.</returns>
    private bool Read(CopyOut copy)
    {
        var position = 0L;
        while (copy.Read(context.Pool, context.BlockSize, context.PreferLatency, out var rows) is { } buffer)
        {
            if (queries.GaveWay && Stopwatch.GetElapsedTime(_rested) > WorkTime)
            {
                blocks.Rest(RestTime);
                _rested = Stopwatch.GetTimestamp();
            }
            var length = buffer.Length;
            Interlocked.Add(ref _bytesRead, length);
            if (!Hand(copy, buffer, position, rows))
                return false;
            position += length;
        }
        return true;
    }

    private bool Hand(CopyOut copy, PooledBuffer buffer, long position, int rows)
    {
        try
        {
            var skipped = form.Strip(copy, buffer, position == 0, ref rows);
            if (rows > 0)
            {
                var block = new RawBlock(buffer, new SourcePosition(plan.Stream.Name, position + skipped)) { Context = form.ContextOf(rows) };
                buffer = null!;
                return blocks.Put(block);
            }
            return true;
        }
        finally
        {
            buffer?.Dispose();
        }
    }
}
