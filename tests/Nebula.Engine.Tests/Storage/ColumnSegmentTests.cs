using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Segments;

namespace Nebula.Engine.Tests.Storage;

public sealed class ColumnSegmentTests
{
    public static TheoryData<string> Types => [.. RandomColumns.Types.Select(type => type.ToString())];

    [Theory, MemberData(nameof(Types))]
    public void EncodeAll_OneColumnFails_ReturnsTheOthers(string name)
    {
        var type = RandomColumns.Types.Single(t => t.ToString() == name);
        using var pool = new BufferPool(cacheLimit: 0);
        using (var good = RandomColumns.Column(pool, type, 1000, 0.5, new Random(1)))
        {
            var outstanding = pool.Outstanding;
            var bad = RandomColumns.Column(pool, type, 1000, 0.5, new Random(1));
            bad.Dispose();
            Assert.Throws<ObjectDisposedException>(() => ColumnSegment.EncodeAll(pool, [good, bad]));
            Assert.Equal(outstanding, pool.Outstanding);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory, MemberData(nameof(Types))]
    public void DecodeAll_OneColumnFails_ReturnsTheOthers(string name)
    {
        var type = RandomColumns.Types.Single(t => t.ToString() == name);
        using var pool = new BufferPool(cacheLimit: 0);
        foreach (var nulls in (double[])[0, 0.5])
        {
            using var column = RandomColumns.Column(pool, type, 1000, nulls, new Random(4));
            using var good = ColumnSegment.Encode(pool, column);
            var outstanding = pool.Outstanding;
            var bad = ColumnSegment.Encode(pool, column);
            bad.Dispose();
            Assert.Throws<ObjectDisposedException>(() => ColumnSegment.DecodeAll(pool, [good, bad]));
            Assert.Equal(outstanding, pool.Outstanding);
        }
        Assert.Equal(0, pool.Outstanding);
    }
}
