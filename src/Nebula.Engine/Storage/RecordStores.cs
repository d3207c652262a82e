using System.Globalization;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage;

/// <summary>What all stores have in common.</summary>
internal static class RecordStores
{
    /// <summary>Rows copied at a time from one store to another.</summary>
    public const int ConversionRows = 8192;

    /// <summary>Appends all records of one store to another, which converts rows to columns or columns to rows.</summary>
    /// <param name="source">The store read, which stays as it is.</param>
    /// <param name="target">The store appended to, of the same schema.</param>
    public static void CopyTo(this IRecordStore source, IRecordStore target)
    {
        foreach (var batch in source.ToBatches(ConversionRows))
            using (batch)
                target.Append(batch);
    }

    /// <summary>Refuses a batch that does not belong in a store.</summary>
    /// <exception cref="ArgumentException">The schema of the batch is another, or a column is shorter than the batch.</exception>
    public static void CheckSchema(IRecordStore store, RecordBatch batch)
    {
        if (!ReferenceEquals(batch.Schema, store.Schema) && !batch.Schema.Equals(store.Schema))
            throw new ArgumentException($"The store holds records of '{store.Schema}', the batch is of '{batch.Schema}'.", nameof(batch));
        foreach (var column in batch.Columns)
            if (column.Length != batch.Length)
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A batch of {batch.Length} rows has a column of {column.Length}."),
                    nameof(batch));
    }
}
