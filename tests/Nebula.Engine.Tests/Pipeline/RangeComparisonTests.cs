using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Engine.Tests.Pipeline;

public sealed class RangeComparisonTests(Xunit.Abstractions.ITestOutputHelper output)
{
    /// <summary>Whatever differs: when the rows of the sets are those of the source, all rows are.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(20_000)]
    [InlineData(70_000)]
    public async Task Run_RandomChanges_SetsHaveAllThatDiffers(int rows)
    {
        for (var seed = 0; seed < (rows > 50_000 ? 2 : 12); seed++)
        {
            output.WriteLine($"rows {rows}, seed {seed}");
            var random = new Random(seed);
            var (source, target) = (new Table(random), new Table(random));
            for (var i = 0; i < rows; i++)
                source.Rows[3 * i] = target.Rows[3 * i] = (ulong)random.NextInt64();
            var changes = Change(random, target, rows, seed % 4);
            var said = new List<ComparisonProgress>();

            var compared = await new RangeComparison(source, target, said.Add).RunAsync(CancellationToken.None);

            Assert.Equal(source.Rows.Count, compared.Rows);
            Assert.Equal(new ComparisonProgress(compared.Rows, compared.Rows, compared.Differing), said[^1]);
            var moved = 0L;
            foreach (var keys in compared.Keys)
            {
                Assert.InRange(keys.Ranges.Length + keys.Keys.Length, 1, 4_096);
                var single = keys.Keys.Select(static key => long.Parse(key, CultureInfo.InvariantCulture)).ToHashSet();
                bool Has(long key) => single.Contains(key) || keys.Ranges.Any(range => Table.IsIn(range, key));
                foreach (var key in target.Rows.Keys.Where(Has).ToList())
                    target.Rows.Remove(key);
                foreach (var (key, hash) in source.Rows.Where(row => Has(row.Key)))
                {
                    // no two sets have the same key
                    Assert.True(target.Rows.TryAdd(key, hash));
                    moved++;
                }
            }
            Assert.Equal(source.Rows, target.Rows);
            Assert.Equal(compared.Differing, moved);
            if (changes == 0)
                Assert.Empty(compared.Keys);
            // some rows beside those that differ, never whole ranges for a few
            Assert.InRange(moved, 0, (4 * changes) + (changes > 0 ? 300 : 0));
        }
    }

    [Fact]
    public async Task Run_OneSideIsEmpty_IsOneRange()
    {
        var (full, empty) = (new Table(new Random(1)), new Table(new Random(1)));
        for (var i = 0; i < 10_000; i++)
            full.Rows[i] = (ulong)i;

        var missing = await new RangeComparison(full, empty).RunAsync(CancellationToken.None);
        var gone = await new RangeComparison(empty, full).RunAsync(CancellationToken.None);

        Assert.Equal(new KeySet([new KeyRange(null, null)], []), Assert.Single(missing.Keys));
        Assert.Equal((10_000, 10_000), (missing.Rows, missing.Differing));
        Assert.Equal(new KeySet([new KeyRange(null, null)], []), Assert.Single(gone.Keys));
        Assert.Equal((0, 0), (gone.Rows, gone.Differing));
    }

    private static int Change(Random random, Table target, int rows, int kind)
    {
        var before = target.Rows.ToDictionary();
        for (var i = kind == 0 ? 0 : Math.Max(1, rows / 1000); i > 0; i--)
        {
            // some anywhere, some side by side
            var at = kind == 3 ? (rows / 2) + i : random.Next(Math.Max(1, rows));
            switch (random.Next(3))
            {
                case 0:
                    target.Rows.Remove(3 * at);
                    break;
                case 1:
                    target.Rows[3 * at] = (ulong)random.NextInt64();
                    break;
                default:
                    target.Rows[(3 * at) + 1] = 7;
                    break;
            }
        }
        if (kind == 2)
            for (var i = 0; i < rows / 10; i++)
                target.Rows[3 * (rows + i)] = 1;
        return before.Keys.Union(target.Rows.Keys).Count(key =>
            !before.TryGetValue(key, out var one) || !target.Rows.TryGetValue(key, out var other) || one != other);
    }

    /// <summary>Rows by their keys.</summary>
    private sealed class Table(Random random) : IRangeHasher
    {
        public SortedDictionary<long, ulong> Rows { get; } = [];

        public ImmutableArray<HashedColumn> Columns => [];

        public static bool IsIn(KeyRange range, long key) => (range.From is null || Parse(range.From) <= key) && (range.To is null || key < Parse(range.To));

        public Task<long> CountAsync(CancellationToken cancellationToken) => Task.FromResult((long)Rows.Count);

        public Task<IReadOnlyList<KeyRange>> DivideAsync(IReadOnlyList<KeyRange> ranges, long rows, CancellationToken cancellationToken)
        {
            var divided = new List<KeyRange>();
            foreach (var (range, found) in Locate(ranges))
            {
                var from = range.From;
                foreach (var (key, _) in found)
                    if (random.NextInt64(rows) == 0 && key.ToString(CultureInfo.InvariantCulture) is var bound && bound != from)
                    {
                        divided.Add(new KeyRange(from, bound));
                        from = bound;
                    }
                divided.Add(range with { From = from });
            }
            return Task.FromResult<IReadOnlyList<KeyRange>>(divided);
        }

        public Task<IReadOnlyList<RangeHash>> HashAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<RangeHash>>([.. Locate(ranges).Select(static range => new RangeHash(range.Rows.Count,
                range.Rows.Aggregate(0UL, static (sum, row) => unchecked(sum + row.Value))))]);

        public Task<IReadOnlyList<RowHash>> HashRowsAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<RowHash>>([.. Locate(ranges).SelectMany(static (range, i) =>
                range.Rows.Select(row => new RowHash(i, row.Key.ToString(CultureInfo.InvariantCulture), row.Value)))]);

        public ValueTask DisposeAsync() => default;

        private static long Parse(string key) => long.Parse(key, CultureInfo.InvariantCulture);

        /// <summary>The rows of each range; ranges must be in their order.</summary>
        private IEnumerable<(KeyRange Range, List<KeyValuePair<long, ulong>> Rows)> Locate(IReadOnlyList<KeyRange> ranges)
        {
            using var rows = Rows.GetEnumerator();
            var isThere = rows.MoveNext();
            long? end = null;
            foreach (var range in ranges)
            {
                var from = range.From is null ? long.MinValue : Parse(range.From);
                Assert.True(end is null || end <= from);
                end = range.To is null ? long.MaxValue : Parse(range.To);
                Assert.True(from < end);
                var found = new List<KeyValuePair<long, ulong>>();
                while (isThere && rows.Current.Key < from)
                    isThere = rows.MoveNext();
                for (; isThere && rows.Current.Key < end; isThere = rows.MoveNext())
                    found.Add(rows.Current);
                yield return (range, found);
            }
        }
    }
}
