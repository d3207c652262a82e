using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Storage.Rows;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Storage;

/// <summary>The memory that the design promises, measured as bytes lent by the pool.</summary>
public sealed class StorageTargetTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1_000, 0)]
    [InlineData(10_000, 0)]
    [InlineData(100_000, 0)]
    [InlineData(100_000, 0.1)]
    public void RowBuffer_Users_TakesAtMost120BytesPerRecord(int rows, double nulls) =>
        Assert.InRange(BytesPerRecord(static (pool, schema) => new RowBuffer(pool, schema), rows, nulls), 1, 120);

    [Theory]
    [InlineData(65_536, 0)]
    [InlineData(100_000, 0)]
    [InlineData(100_000, 0.1)]
    public void ColumnStore_Users_TakesAtMost50BytesPerRecord(int rows, double nulls) =>
        Assert.InRange(BytesPerRecord(static (pool, schema) => new ColumnStore(pool, schema), rows, nulls), 1, 50);

    [Theory]
    [InlineData("id", 0)]
    [InlineData("name", 3)]
    [InlineData("age", 7 / 8.0)]
    [InlineData("city", 6 / 8.0)]
    [InlineData("signup", 27 / 8.0)]
    [InlineData("score", 14 / 8.0)]
    [InlineData("active", 1 / 8.0)]
    public void ColumnStore_ColumnOfUsers_TakesTheBitsItsValuesNeed(string name, double bytes)
    {
        using var pool = new BufferPool();
        const int Rows = 65_536;
        using var users = UsersBatch.Create(pool, Rows);
        var at = users.Schema.IndexOf(name);
        var batch = new RecordBatch(new Schema([users.Schema.Fields[at]]), [users.Columns[at]], Rows);
        using var store = new ColumnStore(pool, batch.Schema);
        store.Append(batch);
        store.Complete();
        Assert.InRange(store.LiveBytes, 0, (long)(bytes * Rows) + 1024);
    }

    private double BytesPerRecord(Func<BufferPool, Schema, IRecordStore> create, int rows, double nulls)
    {
        using var pool = new BufferPool();
        double perRecord;
        using (var batch = UsersBatch.Create(pool, rows, nulls))
        using (var store = create(pool, batch.Schema))
        {
            var before = pool.OutstandingBytes;
            store.Append(batch);
            store.Complete();
            perRecord = (double)(pool.OutstandingBytes - before) / rows;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{perRecord:0.00} bytes per record"));
            ColumnAssert.Holds(batch, store, 65_536);
        }
        Assert.Equal(0, pool.Outstanding);
        return perRecord;
    }
}
