using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Pipeline;

/// <summary>Writes nothing: counts rows and adds up their hashes, for each of several parts that come one behind the other.</summary>
/// <param name="lengths">Rows of each part; those beyond belong to the last.</param>
/// <param name="hasher">Hashes rows; null to count them only.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class SummingWriter(IReadOnlyList<long> lengths, ContentHasher? hasher, BufferPool pool) : IDestinationWriter
{
    private readonly ulong[][] _sums = [.. lengths.Select(_ => new ulong[hasher?.SumCount ?? 0])];
    private readonly long[] _rows = new long[lengths.Count];

    /// <summary>The part that the next row belongs to.</summary>
    public int Current { get; private set; }

    /// <summary>Rows of each part.</summary>
    public IReadOnlyList<long> Rows => _rows;

    /// <summary>Whether the current part has all its rows; of the last one that is known at the end only.</summary>
    public bool IsCurrentComplete => Current < lengths.Count - 1 && _rows[Current] == lengths[Current];

    /// <summary>The hash of a part; null when rows are only counted.</summary>
    public ContentHash? HashOf(int part) => hasher is null ? null : ContentHasher.ToHash(_sums[part]);

    public EncodedBlock Encode(RecordBatch batch)
    {
        var buffer = pool.Rent(1);
        if (hasher is null)
            return new EncodedBlock(buffer, batch.Length);
        try
        {
            var sums = new ulong[hasher.SumCount];
            hasher.Add(batch, 0, batch.Length, sums);
            return new EncodedBlock(buffer, batch.Length) { Metadata = new HashedRows(sums, lengths.Count == 1 ? null : Share(batch)) };
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        var hashed = (HashedRows?)block.Metadata;
        for (var start = 0; start < block.Rows;)
        {
            while (Current < lengths.Count - 1 && _rows[Current] >= lengths[Current])
                Current++;
            var count = Current == lengths.Count - 1 ? block.Rows - start : (int)Math.Min(block.Rows - start, lengths[Current] - _rows[Current]);
            _rows[Current] += count;
            if (hashed is not null && count == block.Rows)
                for (var i = 0; i < hashed.Sums.Length; i++)
                    _sums[Current][i] += hashed.Sums[i];
            else if (hashed is not null)
                hasher!.Add(hashed.Rows!, start, count, _sums[Current]);
            start += count;
        }
        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

    public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) => Task.FromResult(new StagedPart(0, "", _rows.Sum(), 0));

    public ValueTask DisposeAsync() => default;

    private static RecordBatch Share(RecordBatch batch) => new(batch.Schema, [.. batch.Columns.Select(static column => column.Share())], batch.Length);

    /// <summary>
    /// The sums of a batch, and the batch itself, for when it turns out to belong to two parts: where it starts is not known when it is hashed.
    /// </summary>
    private sealed record HashedRows(ulong[] Sums, RecordBatch? Rows) : IDisposable
    {
        public void Dispose() => Rows?.Dispose();
    }
}
