using Nebula.Engine.Columns;
using Nebula.Engine.Tests.Formats.Json;
using Nebula.Engine.Tests.Storage;

namespace Nebula.Engine.Tests.Columns;

public sealed class RowSelectionTests
{
    [Fact]
    public void Take_AnyColumn_GivesItsValues()
    {
        const int seed = 4711;
        var random = new Random(seed);
        using var pool = new BufferPool();
        for (var round = 0; round < 400; round++)
        {
            var type = RandomColumns.Type(random, 3);
            var length = random.Next(1, 150);
            using var source = RandomColumns.Column(pool, type, length, random.Next(3) * 0.3, random);
            var rows = Enumerable.Range(0, random.Next(200)).Select(_ => random.Next(length)).ToArray();
            using var taken = RowSelection.Take(source, rows, pool);
            TestColumns.AssertConsistent(taken, rows.Length);
            for (var i = 0; i < rows.Length; i++)
                ColumnAssert.EqualRange(source, rows[i], taken, i, 1, $"seed {seed}, round {round}, {type}");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Take_Dictionary_SharesItsEntries()
    {
        using var pool = new BufferPool();
        var source = TestColumns.Dictionary(pool, ["a", "b"], [0, 1, null, 1]);
        using var taken = RowSelection.Take(source, [3, 2, 0], pool);
        source.Dispose();
        Assert.Equal(["b", null, "a"], Enumerable.Range(0, 3).Select(i => TestColumns.Read(taken, i)));
        taken.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }
}
