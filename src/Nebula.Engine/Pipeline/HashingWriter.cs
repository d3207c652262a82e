using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Pipeline;

/// <summary>Hashes rows on their way into a destination, by the threads that encode them.</summary>
/// <param name="inner">Writes them; stays the caller's.</param>
/// <param name="hasher">Hashes them.</param>
internal sealed class HashingWriter(IDestinationWriter inner, ContentHasher hasher) : IDestinationWriter
{
    private readonly ulong[] _sums = new ulong[hasher.SumCount];

    public RowTarget? Target => inner.Target;

    public EncodedBlock Encode(RecordBatch batch)
    {
        var sums = new ulong[_sums.Length];
        hasher.Add(batch, 0, batch.Length, sums);
        lock (_sums)
            for (var i = 0; i < sums.Length; i++)
                _sums[i] += sums[i];
        return inner.Encode(batch);
    }

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken) => inner.WriteAsync(block, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public async Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) =>
        await inner.CompleteAsync(cancellationToken).ConfigureAwait(false) with { Hash = ContentHasher.ToHash(_sums) };

    public ValueTask DisposeAsync() => default;
}
