using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Storage;

/// <summary>Holds records of one schema, in order. For one thread at a time.</summary>
/// <remarks>After an exception out of <see cref="Append"/> or <see cref="Complete"/> the store can only be disposed of.</remarks>
internal interface IRecordStore : IDisposable
{
    /// <summary>Names and types of the columns.</summary>
    Schema Schema { get; }

    /// <summary>Number of records.</summary>
    long Records { get; }

    /// <summary>Bytes of the buffers on loan.</summary>
    long LiveBytes { get; }

    /// <summary>Copies the records of a batch in, behind those held. The batch stays as it is.</summary>
    /// <param name="batch">The batch, of exactly this schema.</param>
    /// <exception cref="ArgumentException">The schema of the batch is another.</exception>
    /// <exception cref="Diagnostics.DataFormatException">A record is larger than a buffer can be.</exception>
    void Append(RecordBatch batch);

    /// <summary>Brings all records into their final form, with nothing rented that is not used. More may be appended.</summary>
    void Complete();

    /// <summary>Copies all records out in order. The caller owns the batches.</summary>
    /// <param name="maxRows">Most records in a batch, at least 1. Batches end earlier where records are wide.</param>
    /// <remarks>Columns that are pending are sealed first. Not to be enumerated while records are appended.</remarks>
    IEnumerable<RecordBatch> ToBatches(int maxRows);
}
