using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;
using Nebula.Engine.Storage.Rows;
using Nebula.Engine.Storage.Segments;

namespace Nebula.Benchmarks;

/// <summary>Holds the <c>users</c> records of the benchmark kit in each store.</summary>
internal static class StorageBenchmark
{
    private const int MaxRows = 1_000_000;
    private const int BatchRows = 16_384;

    public static int Run(string path)
    {
        using var pool = new BufferPool();
        var batches = UsersCsv.Read(pool, path, MaxRows, BatchRows);
        var records = batches.Sum(static batch => (long)batch.Length);
        var flowing = batches.Sum(static batch => batch.BufferBytes) / (double)records;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{records} records, {flowing:0.0} bytes each as batches"));
        Store("rows", pool, batches, records, static (pool, schema) => new RowBuffer(pool, schema));
        Store("columns", pool, batches, records, static (pool, schema) => new ColumnStore(pool, schema));
        Columns(pool, batches);
        foreach (var batch in batches)
            batch.Dispose();
        Console.WriteLine($"{pool.Outstanding} buffers not returned");
        return pool.Outstanding == 0 ? 0 : 1;
    }

    private static void Store(string name, BufferPool pool, List<RecordBatch> batches, long records, Func<BufferPool, Schema, IRecordStore> create)
    {
        var bytes = 0L;
        Measure.Rate($"{name}: append", records, () =>
        {
            using var store = Fill(pool, batches, create);
            bytes = store.LiveBytes;
        }, () => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / records:0.00} bytes per record"));
        using var filled = Fill(pool, batches, create);
        Measure.Rate($"{name}: read", records, () =>
        {
            foreach (var batch in filled.ToBatches(ColumnStore.SegmentRows))
                batch.Dispose();
        });
    }

    private static IRecordStore Fill(BufferPool pool, List<RecordBatch> batches, Func<BufferPool, Schema, IRecordStore> create)
    {
        var store = create(pool, batches[0].Schema);
        foreach (var batch in batches)
            store.Append(batch);
        store.Complete();
        return store;
    }

    /// <summary>Where time and bytes go, column by column, on one full segment.</summary>
    private static void Columns(BufferPool pool, List<RecordBatch> batches)
    {
        using var builder = new RecordBatchBuilder(pool, batches[0].Schema);
        foreach (var batch in batches)
            if (builder.Length + batch.Length <= ColumnStore.SegmentRows)
                builder.AppendRange(batch, 0, batch.Length);
        using var all = builder.Build();
        for (var i = 0; i < all.Columns.Length; i++)
        {
            var column = all.Columns[i];
            var bytes = 0L;
            Measure.Rate($"  encode {all.Schema.Fields[i]}", column.Length, () =>
            {
                using var segment = ColumnSegment.Encode(pool, column);
                bytes = segment.BufferBytes;
            }, () => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / column.Length:0.00} bytes per value"));
            using var encoded = ColumnSegment.Encode(pool, column);
            Measure.Rate($"  decode {all.Schema.Fields[i]}", column.Length, () => encoded.Decode(pool).Dispose());
        }
    }
}
