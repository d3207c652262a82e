using System.Collections.Immutable;

namespace Nebula.Engine.Connectors;

/// <summary>
/// A source or destination that tells what it has of a stream by hashes of ranges of its key, without handing out the rows. Two of them that hash rows in the
/// same form can be compared range by range, and only rows of ranges that differ have to be moved.
/// </summary>
/// <remarks>
/// A range is told by the number of its rows and the sum of their hashes modulo 2^64, so that their order does not matter and nothing is sorted. A hash is the
/// first 64 bits of a cryptographic hash of all values of the row, its key included: two ranges with other rows have the same number and the same sum with a
/// probability of 2^-64, however much the rows resemble each other, as each changed, missing or further row changes the sum by what is as good as random.
/// Rows that swap values are other rows. Who wants to make two such ranges on purpose can, but may change the rows anyway.
/// </remarks>
public interface IRangeHashes
{
    /// <summary>Names how rows become hashes, and in which order keys are: those of two systems can be compared when they have the same.</summary>
    string HashForm { get; }

    /// <summary>Opens a stream for comparison. A source with a log whose position was just taken (<see cref="ISource.FindPositionAsync"/>) shows the state of
    /// that position where it can, a destination what it has committed: rows that are only marked as deleted are not there.</summary>
    /// <param name="plan">The stream as it is read.</param>
    /// <param name="columns">The columns that count, as the system on the other side has them; null for those that this system has.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="Diagnostics.NebulaException">A column cannot be compared, and the message says what to do.</exception>
    Task<IRangeHasher> OpenHashesAsync(StreamPlan plan, ImmutableArray<HashedColumn>? columns, CancellationToken cancellationToken);
}

/// <summary>Hashes ranges of one stream. Ranges are handed over in the order of the key, and do not overlap. Used by one caller at a time.</summary>
public interface IRangeHasher : IAsyncDisposable
{
    /// <summary>The columns that count.</summary>
    ImmutableArray<HashedColumn> Columns { get; }

    /// <summary>Counts all rows.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    Task<long> CountAsync(CancellationToken cancellationToken);

    /// <summary>Divides ranges into smaller ones of about so many rows.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="rows">Rows that a smaller one should have.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The smaller ranges in their order; together they are those given.</returns>
    Task<IReadOnlyList<KeyRange>> DivideAsync(IReadOnlyList<KeyRange> ranges, long rows, CancellationToken cancellationToken);

    /// <summary>Hashes ranges.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>For each range what is in it.</returns>
    Task<IReadOnlyList<RangeHash>> HashAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken);

    /// <summary>Hashes every row of ranges.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The rows, in any order.</returns>
    Task<IReadOnlyList<RowHash>> HashRowsAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken);
}

/// <summary>A column that counts.</summary>
/// <param name="Position">Its position in the plan.</param>
/// <param name="Form">The form in which its values are compared, as the <see cref="IRangeHashes.HashForm"/> of the systems calls it; empty for the usual
/// one.</param>
public readonly record struct HashedColumn(int Position, string Form = "");

/// <summary>Keys from one up to another. Small and serialisable.</summary>
/// <param name="From">The first key, as the system's form writes it; null for no bound.</param>
/// <param name="To">The key behind the last; null for no bound.</param>
public readonly record struct KeyRange(string? From, string? To);

/// <summary>What is in a range.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Sum">Sum of their hashes, modulo 2^64.</param>
public readonly record struct RangeHash(long Rows, ulong Sum);

/// <summary>A row.</summary>
/// <param name="Range">Position of its range among those that were asked for.</param>
/// <param name="Key">Its key.</param>
/// <param name="Hash">Its hash.</param>
public readonly record struct RowHash(int Range, string Key, ulong Hash);

/// <summary>Some of the keys that a stream may have: ranges, or single ones. Small and serialisable.</summary>
/// <param name="Ranges">The ranges, which do not overlap.</param>
/// <param name="Keys">The single keys.</param>
public sealed record KeySet(ImmutableArray<KeyRange> Ranges, ImmutableArray<string> Keys)
{
    /// <inheritdoc/>
    public bool Equals(KeySet? other) => other is not null && Ranges.AsSpan().SequenceEqual(other.Ranges.AsSpan())
        && Keys.AsSpan().SequenceEqual(other.Keys.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Ranges.Length, Keys.Length);
}
