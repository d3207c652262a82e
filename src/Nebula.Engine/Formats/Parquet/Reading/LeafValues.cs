using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decodes the values of one leaf, which lie without gaps in its pages, and makes columns of them. One implementation per column layout.</summary>
internal abstract unsafe class LeafValues : IDisposable
{
    /// <summary>Makes the decoder of a leaf.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="keepsDictionary">Whether strings may become a column with a dictionary.</param>
    /// <param name="maxBytes">Most bytes that the values of a batch may take.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="ParquetFault">The leaf cannot be read.</exception>
    public static LeafValues Create(SchemaLeaf leaf, bool keepsDictionary, int maxBytes, BufferPool pool)
    {
        if (leaf.Type.Refusal is { } refusal)
            throw new ParquetFault(refusal, -1, "Leave out the column.");
        var fixedLength = leaf.Element.Type == PhysicalType.FixedLenByteArray ? leaf.Element.TypeLength!.Value : -1;
        return leaf.Element.Type switch
        {
            PhysicalType.Boolean => new BitValues(pool),
            PhysicalType.ByteArray or PhysicalType.FixedLenByteArray when leaf.Type.Type.IsVariableBinary =>
                new ByteArrayValues(leaf.Type.Type, fixedLength, keepsDictionary, maxBytes, pool),
            _ => new FixedValues(leaf, pool),
        };
    }

    /// <summary>Takes over the values of a dictionary page.</summary>
    /// <param name="start">First byte.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">The page is damaged.</exception>
    public abstract void SetDictionary(byte* start, byte* end, int count);

    /// <summary>Starts the values of a data page.</summary>
    /// <param name="encoding">Their encoding.</param>
    /// <param name="start">First byte.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <exception cref="ParquetFault">The encoding cannot hold such values, or the page is damaged.</exception>
    public abstract void StartPage(PageEncoding encoding, byte* start, byte* end);

    /// <summary>Starts a batch.</summary>
    /// <param name="slots">Slots that it is expected to have.</param>
    public abstract void Begin(int slots);

    /// <summary>Decodes the next values of the page.</summary>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many, or one is damaged.</exception>
    public abstract void Append(int count);

    /// <summary>Makes the column of a batch.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="validity">Bit per slot, as many set as values were appended; null where all are. Belongs to the column when this returns.</param>
    /// <exception cref="ParquetFault">A value is not what its type promises.</exception>
    public abstract Column Finish(DataType type, int slots, PooledBuffer? validity);

    /// <summary>How many of the next values of the page can come into one batch.</summary>
    /// <param name="count">Number of values wanted; the page may have fewer.</param>
    /// <param name="bytes">Bytes that they may take.</param>
    public virtual int CountWithin(int count, long bytes) => count;

    /// <summary>Whether it matters for a batch how its pages are encoded.</summary>
    public virtual bool IsParticular => false;

    /// <summary>Whether the values of a page in another encoding can come into one batch with those of the current page.</summary>
    /// <param name="encoding">The encoding.</param>
    public virtual bool CanContinueWith(PageEncoding encoding) => true;

    /// <summary>Returns all buffers.</summary>
    public abstract void Dispose();

    /// <summary>Whether values are positions in the dictionary.</summary>
    protected static bool IsDictionary(PageEncoding encoding) => encoding is PageEncoding.RleDictionary or PageEncoding.PlainDictionary;

    /// <summary>Starts the positions of a page, whose first byte is their width.</summary>
    protected static RleBitPackedReader StartIndices(byte* start, byte* end) =>
        // pages of nulls alone may have no bytes at all
        start == end ? new RleBitPackedReader(start, end, 0) : new RleBitPackedReader(start + 1, end, *start);
}
