using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>How far a comparison is.</summary>
/// <param name="Rows">Rows of the source.</param>
/// <param name="Compared">How many of them are known to be the same or not.</param>
/// <param name="Differing">How many of them have to be moved.</param>
public sealed record ComparisonProgress(long Rows, long Compared, long Differing);

/// <summary>What a comparison found.</summary>
/// <param name="Rows">Rows of the source that were compared.</param>
/// <param name="Differing">Rows of the source that have to be moved: those that the destination has not, or with other values, and some beside them.</param>
/// <param name="Keys">The keys whose rows differ, in sets that can be moved one by one; none when nothing differs.</param>
public sealed record ComparedRows(long Rows, long Differing, IReadOnlyList<KeySet> Keys);

/// <summary>
/// Finds the rows in which a destination differs from its source: hashes of ranges of the key are compared, ranges that differ are divided, down to ranges of
/// some rows, whose rows are compared one by one. What is missing on one side as a whole is one range, however many rows it has.
/// </summary>
/// <param name="source">What the source has.</param>
/// <param name="destination">What the destination has.</param>
/// <param name="progress">Told after each step; null for nobody.</param>
public sealed class RangeComparison(IRangeHasher source, IRangeHasher destination, Action<ComparisonProgress>? progress = null)
{
    // ranges of a level for each that differs on the level before
    private const int FanOut = 64;

    // the first level goes over the whole table, where each range costs little
    private const int FirstLevel = 4_096;

    // as many are hashed by one statement; each divided, they are 65,536
    private const int RangesAtOnce = 1_024;

    // ranges of so many rows are not divided, but compared row by row; as they are divided at random, some have several times as many
    private const int RowsOfLeaf = 64;
    private const int MostRowsOfLeaf = 4 * RowsOfLeaf;

    // what one chunk moves
    private const int EntriesOfSet = 4_096;
    private const long RowsOfSet = 250_000;

    private readonly List<KeySet> _sets = [];
    private readonly List<KeyRange> _ranges = [];
    private readonly List<string> _keys = [];
    private long _rowsOfRanges;
    private long _differing;
    private long _rows;
    private long _compared;

    /// <summary>Compares.</summary>
    /// <param name="cancellationToken">Stops the comparison.</param>
    public async Task<ComparedRows> RunAsync(CancellationToken cancellationToken)
    {
        _rows = await source.CountAsync(cancellationToken).ConfigureAwait(false);
        Tell();
        await CompareAsync([new KeyRange(null, null)], Math.Max(RowsOfLeaf, _rows / FirstLevel), cancellationToken).ConfigureAwait(false);
        EndRanges();
        EndKeys();
        return new ComparedRows(_rows, _differing, _sets);
    }

    private async Task CompareAsync(IReadOnlyList<KeyRange> differing, long rows, CancellationToken cancellationToken)
    {
        var ranges = await source.DivideAsync(differing, rows, cancellationToken).ConfigureAwait(false);
        var (here, there) = await BothAsync(hasher => hasher.HashAsync(ranges, cancellationToken)).ConfigureAwait(false);
        var (leaves, divided) = (new List<KeyRange>(), new List<KeyRange>());
        for (var i = 0; i < ranges.Count; i++)
        {
            if (here[i] == there[i])
                _compared += here[i].Rows;
            else if (here[i].Rows == 0 || there[i].Rows == 0 || there[i].Rows > MostRowsOfLeaf && here[i].Rows <= MostRowsOfLeaf)
                AddRange(ranges[i], here[i].Rows);
            else if (here[i].Rows <= MostRowsOfLeaf || rows == RowsOfLeaf)
                leaves.Add(ranges[i]);
            else
                divided.Add(ranges[i]);
        }
        Tell();
        foreach (var some in leaves.Chunk(RangesAtOnce))
            await CompareRowsAsync(some, cancellationToken).ConfigureAwait(false);
        foreach (var some in divided.Chunk(RangesAtOnce))
            await CompareAsync(some, Math.Max(RowsOfLeaf, rows / FanOut), cancellationToken).ConfigureAwait(false);
    }

    private async Task CompareRowsAsync(KeyRange[] ranges, CancellationToken cancellationToken)
    {
        var (here, there) = await BothAsync(hasher => hasher.HashRowsAsync(ranges, cancellationToken)).ConfigureAwait(false);
        var (rows, others) = (here.ToLookup(static row => row.Range), there.ToLookup(static row => row.Range));
        for (var i = 0; i < ranges.Length; i++)
        {
            var left = new Dictionary<string, ulong>(StringComparer.Ordinal);
            var isKey = others[i].All(row => left.TryAdd(row.Key, row.Hash));
            var differing = new HashSet<string>(StringComparer.Ordinal);
            var (count, fresh) = (0L, 0L);
            foreach (var row in rows[i])
            {
                count++;
                if (left.Remove(row.Key, out var hash) && hash == row.Hash)
                    continue;
                isKey &= differing.Add(row.Key);
                fresh++;
            }
            differing.UnionWith(left.Keys);
            // a key that is no key names several rows; and where most rows differ, one range is less to say
            if (!isKey || 2 * differing.Count > count)
            {
                AddRange(ranges[i], count);
                continue;
            }
            _compared += count;
            _differing += fresh;
            foreach (var key in differing)
                AddKey(key);
        }
        Tell();
    }

    private async Task<(T Here, T There)> BothAsync<T>(Func<IRangeHasher, Task<T>> ask)
    {
        var (here, there) = (ask(source), ask(destination));
        // both have ended when one has failed: nobody asks a hasher twice at the same time
        await Task.WhenAll(here, there).ConfigureAwait(false);
        return (here.Result, there.Result);
    }

    private void AddRange(KeyRange range, long rows)
    {
        _compared += rows;
        _differing += rows;
        if (_ranges.Count > 0 && _ranges[^1].To is { } end && end == range.From)
            _ranges[^1] = _ranges[^1] with { To = range.To };
        else
            _ranges.Add(range);
        _rowsOfRanges += rows;
        if (_rowsOfRanges >= RowsOfSet || _ranges.Count == EntriesOfSet)
            EndRanges();
    }

    private void AddKey(string key)
    {
        _keys.Add(key);
        if (_keys.Count == EntriesOfSet)
            EndKeys();
    }

    private void EndRanges()
    {
        if (_ranges.Count > 0)
            _sets.Add(new KeySet([.. _ranges], []));
        _ranges.Clear();
        _rowsOfRanges = 0;
    }

    private void EndKeys()
    {
        if (_keys.Count > 0)
            _sets.Add(new KeySet([], [.. _keys]));
        _keys.Clear();
    }

    private void Tell() => progress?.Invoke(new ComparisonProgress(_rows, _compared, _differing));
}
