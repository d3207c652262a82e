using System.Globalization;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;
using Nebula.Samples.Connector;

namespace Nebula.ConnectorTestKit.Tests;

public enum SourceFault
{
    None,
    CheckFails,
    HasColumnTwice,
    TakesAnyName,
    LosesRowAtChunkBorder,
    SplitsWhereOneIsAsked,
    ReadsItsOwnChunksOnly,
    LeaksBuffer,
    LeaksWhenLeft,
    IgnoresColumnOrder,
    DecodesInTurnOnly,
    ThrowsWhatNobodyKnows,
    NeverEndsOnceCancelled,
    CallsCancellationAnError,
    ReadsAllAgain,
}

/// <summary>The sample with a defect.</summary>
internal sealed class FaultySource(SourceFault fault, Func<long> rows) : ISource
{
    private readonly SequenceSource _inner = new(rows());
    private readonly HashSet<string> _made = [];

    public bool CanRestart => true;

    public async Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) =>
        fault == SourceFault.CheckFails ? [new CheckResult("rows", false, "out of numbers")] : await _inner.CheckAsync(cancellationToken);

    public async Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken)
    {
        var found = await _inner.DiscoverAsync(fault == SourceFault.TakesAnyName ? request with { Streams = [] } : request, cancellationToken);
        return fault != SourceFault.HasColumnTwice ? found
            : new Catalog([found.Streams[0] with { Schema = new Schema([.. found.Streams[0].Schema.Fields, found.Streams[0].Schema.Fields[0]]) }]);
    }

    public Task<string> FindPositionAsync(StreamPlan plan, Checkpoint? from, CancellationToken cancellationToken) =>
        Task.FromResult(rows().ToString(CultureInfo.InvariantCulture));

    public async IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (plan.IsIncremental && fault != SourceFault.ReadsAllAgain)
        {
            var before = long.Parse(request.From?.Position ?? "0", CultureInfo.InvariantCulture);
            yield return new Chunk(0, string.Create(CultureInfo.InvariantCulture, $"{before}+{rows() - before}"));
            yield break;
        }
        var asked = fault == SourceFault.SplitsWhereOneIsAsked ? request with { ChunkBytes = 100 } : request;
        await foreach (var chunk in _inner.SplitAsync(plan, asked, cancellationToken))
        {
            _made.Add(chunk.Description);
            yield return chunk;
        }
    }

    public async Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken)
    {
        if (fault == SourceFault.ReadsItsOwnChunksOnly && !_made.Contains(chunk.Description))
            throw new KeyNotFoundException(chunk.Description);
        if (fault == SourceFault.LosesRowAtChunkBorder && chunk.Index > 0)
        {
            var range = chunk.Description.Split('+').Select(static number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
            chunk = chunk with { Description = string.Create(CultureInfo.InvariantCulture, $"{range[0] + 1}+{range[1] - 1}") };
        }
        if (fault == SourceFault.IgnoresColumnOrder)
            plan = (plan with { Columns = [.. plan.Columns.OrderBy(static column => column.SourceName, StringComparer.Ordinal)] }).Build();
        return new Reader(fault, await _inner.OpenAsync(plan, chunk, context, cancellationToken), context.Pool);
    }

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;

    private sealed class Reader(SourceFault fault, ISourceReader inner, BufferPool pool) : ISourceReader
    {
        private PooledBuffer? _ahead = fault is SourceFault.LeaksBuffer or SourceFault.LeaksWhenLeft ? pool.Rent(1) : null;
        private long _last;

        public long? TotalBytes => inner.TotalBytes;

        public long BytesRead => inner.BytesRead;

        public async ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
        {
            if (fault == SourceFault.NeverEndsOnceCancelled && cancellationToken.IsCancellationRequested)
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
            if (fault == SourceFault.CallsCancellationAnError && cancellationToken.IsCancellationRequested)
                throw new IOException("the connection was closed");
            if (await inner.FetchAsync(cancellationToken) is { } block)
                return block;
            if (fault == SourceFault.LeaksWhenLeft)
                _ahead?.Dispose();
            return null;
        }

        public void Decode(RawBlock block, IDecodeSink sink)
        {
            // one that is decoded before the one in front of it takes that one's place
            if (fault == SourceFault.DecodesInTurnOnly && Interlocked.Exchange(ref _last, block.Position.ByteOffset) > block.Position.ByteOffset)
                return;
            try
            {
                inner.Decode(block, sink);
            }
            catch (Engine.Diagnostics.NebulaException) when (fault == SourceFault.ThrowsWhatNobodyKnows)
            {
                throw new InvalidCastException("no such type");
            }
        }

        public ValueTask DisposeAsync()
        {
            _ahead = null;
            return inner.DisposeAsync();
        }
    }
}
