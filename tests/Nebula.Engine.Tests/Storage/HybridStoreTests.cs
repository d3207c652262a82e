using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Storage;

public sealed class HybridStoreTests(ITestOutputHelper output) : RecordStoreContract(output)
{
    private protected override IRecordStore Create(BufferPool pool, Schema schema) => new HybridStore(pool, schema);

    [Theory]
    [InlineData(StorageMode.Auto, 10_000, StorageMode.Row, 0)]
    [InlineData(StorageMode.Auto, 10_001, StorageMode.Columnar, 1)]
    [InlineData(StorageMode.Hybrid, 10_000, StorageMode.Row, 0)]
    [InlineData(StorageMode.Hybrid, 10_001, StorageMode.Columnar, 1)]
    [InlineData(StorageMode.Row, 10_001, StorageMode.Row, 0)]
    [InlineData(StorageMode.Columnar, 1, StorageMode.Columnar, 0)]
    public void Append_AroundTheThreshold_SwitchesWhenItIsExceeded(StorageMode mode, int records, StorageMode held, int switches)
    {
        using var pool = new BufferPool();
        using (var all = UsersBatch.Create(pool, records))
        using (var store = new HybridStore(pool, all.Schema, mode))
        {
            using (var builder = new RecordBatchBuilder(pool, all.Schema))
                for (var start = 0; start < records; start += 999)
                {
                    builder.AppendRange(all, start, Math.Min(999, records - start));
                    using var piece = builder.Build();
                    store.Append(piece);
                }
            ColumnAssert.Holds(all, store, 4096);
            var metrics = store.Metrics;
            Assert.Equal(held, metrics.Mode);
            Assert.Equal(switches, metrics.Switches);
            Assert.Equal(records, metrics.Records);
            Assert.Equal(pool.OutstandingBytes - all.BufferBytes, metrics.LiveBytes);
            Assert.Equal((double)metrics.LiveBytes / records, metrics.BytesPerRecord);
            if (switches == 1)
            {
                var change = Assert.Single(metrics.History);
                Assert.Equal((StorageMode.Row, StorageMode.Columnar), (change.From, change.To));
                Assert.Equal(9_990, change.Records);
                Assert.InRange(change.BytesBefore, 9_990 * 60, 9_990 * 120);
                Assert.InRange(change.BytesAfter, 1, 9_990 * 50);
            }
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Metrics_EmptyStore_HasNoBytesPerRecord()
    {
        using var pool = new BufferPool();
        using var store = new HybridStore(pool, UsersBatch.Schema);
        Assert.Equal(0, store.Metrics.BytesPerRecord);
        Assert.Equal(0, store.Metrics.LiveBytes);
    }
}
