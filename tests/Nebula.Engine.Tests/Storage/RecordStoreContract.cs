using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Storage.Rows;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Storage;

/// <summary>What every store promises. Each implementation inherits these facts.</summary>
public abstract class RecordStoreContract(ITestOutputHelper output)
{
    private static readonly int[] RowCounts = [0, 1, 63, 64, 65, 10_000, 10_001, 70_000];

    public static TheoryData<string, double> TypesAndNulls
    {
        get
        {
            var data = new TheoryData<string, double>();
            foreach (var type in RandomColumns.Types)
                foreach (var nulls in (double[])[0, 0.3, 1])
                    data.Add(type.ToString(), nulls);
            return data;
        }
    }

    private protected abstract IRecordStore Create(BufferPool pool, Schema schema);

    [Theory, MemberData(nameof(TypesAndNulls))]
    public void RoundTrip_EveryTypeAndLength_GivesTheSameBits(string type, double nulls)
    {
        var dataType = RandomColumns.Types.Single(t => t.ToString() == type);
        using var pool = new BufferPool();
        foreach (var rows in RowCounts)
        {
            var random = new Random(rows + (int)(nulls * 10));
            using var batch = RandomColumns.Batch(pool, new Schema([new Field("value", dataType)]), rows, nulls, random);
            using var store = Create(pool, batch.Schema);
            store.Append(batch);
            ColumnAssert.Holds(batch, store, 65_536);
            store.Complete();
            ColumnAssert.Holds(batch, store, 4_097);
            Assert.Equal(pool.OutstandingBytes, store.LiveBytes + batch.BufferBytes);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void RoundTrip_RandomSchemasInRandomPieces_GivesTheSameBits()
    {
        const int seed = 20240607;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        for (var round = 0; round < 60; round++)
        {
            var random = new Random(seed + round);
            using var pool = new BufferPool();
            var schema = new Schema(Enumerable.Range(0, random.Next(1, 12)).Select(i => new Field($"c{i}", RandomColumns.Type(random, 3))));
            using (var store = Create(pool, schema))
            {
                var batches = Enumerable.Range(0, random.Next(1, 5))
                    .Select(_ => RandomColumns.Batch(pool, schema, random.Next(300), random.Next(3) / 2.0, random)).ToList();
                foreach (var batch in batches)
                    store.Append(batch);
                using (var all = Concatenate(pool, schema, batches))
                    ColumnAssert.Holds(all, store, random.Next(1, 500));
                batches.ForEach(static batch => batch.Dispose());
            }
            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Fact]
    public void Append_GarbageInNullSlots_IsIgnored()
    {
        using var pool = new BufferPool();
        const int Rows = 1000;
        var values = pool.Rent(Rows * sizeof(double));
        var validity = pool.Rent(Bitmap.ByteCount(Rows));
        new Random(1).NextBytes(values.Span);
        validity.Span.Clear();
        for (var i = 0; i < Rows; i += 7)
        {
            Bitmap.Set(validity.Span, i, true);
            values.As<double>()[i] = i / 10.0;
        }
        var column = new Column(DataType.Float64, Rows, Rows - (Rows + 6) / 7, validity, values);
        using (var batch = new RecordBatch(new Schema([new Field("v", DataType.Float64)]), [column], Rows))
        using (var store = Create(pool, batch.Schema))
        {
            store.Append(batch);
            ColumnAssert.Holds(batch, store, 100);
            store.Complete();
            Assert.InRange(store.LiveBytes, 1, 4096);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Append_DictionaryEncodedColumn_GivesTheStrings()
    {
        using var pool = new BufferPool();
        using (var plain = RandomColumns.Column(pool, DataType.String, 5000, 0.1, new Random(14)))
        using (var dictionary = DictionaryOf(pool, plain))
        using (var store = Create(pool, new Schema([new Field("v", DataType.String)])))
        {
            using (var batch = new RecordBatch(store.Schema, [dictionary], dictionary.Length))
            {
                store.Append(batch);
                ColumnAssert.Holds(batch, store, 777);
            }
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Append_OtherSchema_IsRefusedAndNothingIsLost()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 100))
        using (var other = RandomColumns.Batch(pool, new Schema([new Field("v", DataType.Bool)]), 10, 0, new Random(1)))
        using (var store = Create(pool, batch.Schema))
        {
            store.Append(batch);
            Assert.Throws<ArgumentException>(() => store.Append(other));
            ColumnAssert.Holds(batch, store, 100);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Append_ColumnAlreadyReturned_ThrowsAndDisposeReturnsTheRest()
    {
        using var pool = new BufferPool(cacheLimit: 0);
        var batch = UsersBatch.Create(pool, 20_000);
        using (var store = Create(pool, batch.Schema))
        {
            store.Append(batch);
            batch.Columns[^1].Dispose();
            Assert.Throws<ObjectDisposedException>(() => store.Append(batch));
        }
        foreach (var column in batch.Columns[..^1])
            column.Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void ToBatches_AbandonedHalfway_ReturnsItsBuffers()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 70_000))
        using (var store = Create(pool, batch.Schema))
        {
            store.Append(batch);
            foreach (var part in store.ToBatches(1000))
            {
                part.Dispose();
                break;
            }
            Assert.Equal(pool.OutstandingBytes, store.LiveBytes + batch.BufferBytes);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void AppendAndToBatches_ManyRecords_AllocateNothingPerRecord()
    {
        using var pool = new BufferPool();
        const int Rows = 70_000;
        using var batch = UsersBatch.Create(pool, Rows, nulls: 0.1);
        using var store = Create(pool, batch.Schema);
        store.Append(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();
        store.Append(batch);
        foreach (var part in store.ToBatches(65_536))
            part.Dispose();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Rows);
    }

    [Fact]
    public void ToBatches_WideRecords_EndsBatchesEarly()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.String))
        {
            for (var i = 0; i < 300; i++)
                builder.AppendBytes(new byte[400_000]);
            using var column = builder.Build();
            using var batch = new RecordBatch(new Schema([new Field("v", DataType.String)]), [column], column.Length);
            using var store = Create(pool, batch.Schema);
            store.Append(batch);
            Assert.InRange(ColumnAssert.Holds(batch, store, 65_536), 2, 50);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Append_SchemaWithoutFields_CountsRows()
    {
        using var pool = new BufferPool();
        using var batch = new RecordBatch(new Schema([]), [], 12);
        using var store = Create(pool, batch.Schema);
        store.Append(batch);
        ColumnAssert.Holds(batch, store, 5);
    }

    [Fact]
    public void Append_RowsLargerThanASegment_AreKept()
    {
        using var pool = new BufferPool();
        using (var builder = new ColumnBuilder(pool, DataType.Binary))
        {
            var random = new Random(3);
            foreach (var length in (int[])[0, 300_000, 5, 3_000_000, 4_095, 4_096, 4_097, 127, 128, 16_383, 16_384])
            {
                var bytes = new byte[length];
                random.NextBytes(bytes);
                builder.AppendBytes(bytes);
            }
            using var column = builder.Build();
            using var batch = new RecordBatch(new Schema([new Field("v", DataType.Binary)]), [column], column.Length);
            using var store = Create(pool, batch.Schema);
            store.Append(batch);
            store.Append(batch);
            using var twice = Concatenate(pool, batch.Schema, [batch, batch]);
            ColumnAssert.Holds(twice, store, 3);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void CopyTo_RowsAndColumns_ConvertsBothWays()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 70_001, nulls: 0.05))
        using (var store = Create(pool, batch.Schema))
        using (var rows = new RowBuffer(pool, batch.Schema))
        using (var columns = new ColumnStore(pool, batch.Schema))
        {
            store.Append(batch);
            store.CopyTo(rows);
            rows.CopyTo(columns);
            ColumnAssert.Holds(batch, rows, 10_000);
            ColumnAssert.Holds(batch, columns, 10_000);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static RecordBatch Concatenate(BufferPool pool, Schema schema, IEnumerable<RecordBatch> batches)
    {
        using var builder = new RecordBatchBuilder(pool, schema);
        foreach (var batch in batches)
            builder.AppendRange(batch, 0, batch.Length);
        return builder.Build();
    }

    private static Column DictionaryOf(BufferPool pool, Column plain)
    {
        var indices = pool.Rent(plain.Length * sizeof(int));
        var validity = pool.Rent(plain.Validity.Length);
        plain.Validity.CopyTo(validity.Span);
        using var entries = new ColumnBuilder(pool, plain.Type);
        for (var i = 0; i < 10; i++)
            entries.AppendBytes(System.Text.Encoding.UTF8.GetBytes($"entry {i}"));
        for (var i = 0; i < plain.Length; i++)
            indices.As<int>()[i] = plain.IsNull(i) ? int.MinValue : i * 7 % 10;
        return new Column(plain.Type, plain.Length, plain.NullCount, validity, indices, dictionary: entries.Build());
    }
}

public sealed class RowBufferTests(ITestOutputHelper output) : RecordStoreContract(output)
{
    private protected override IRecordStore Create(BufferPool pool, Schema schema) => new RowBuffer(pool, schema);
}

public sealed class ColumnStoreTests(ITestOutputHelper output) : RecordStoreContract(output)
{
    private protected override IRecordStore Create(BufferPool pool, Schema schema) => new ColumnStore(pool, schema);
}
