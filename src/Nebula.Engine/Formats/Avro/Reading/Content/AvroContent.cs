using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Bzip2;
using Nebula.Engine.Compression.Xz;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>
/// The records of one block after the other, decompressed piece by piece where the codec allows it, so that a block needs no more memory than a window on it.
/// </summary>
internal abstract unsafe class AvroContent : IDisposable
{
    /// <summary>The first byte not yet decoded; for the decoder to move.</summary>
    public byte* At { get; set; }

    /// <summary>The end of what is there. A few bytes behind it are readable.</summary>
    public byte* End { get; protected set; }

    /// <summary>Whether nothing follows behind <see cref="End"/>.</summary>
    public bool IsComplete { get; protected set; }

    /// <summary>Makes what reads the blocks of a file.</summary>
    /// <param name="codec">Their codec.</param>
    /// <param name="maxRecordSize">Most bytes of one record.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static AvroContent Create(AvroCodec codec, int maxRecordSize, BufferPool pool) => codec switch
    {
        AvroCodec.None => new PlainContent(maxRecordSize, pool),
        AvroCodec.Snappy => new SnappyContent(pool),
        AvroCodec.Deflate => new DeflateContent(maxRecordSize, pool),
        AvroCodec.Zstandard => new StreamContent(() => new ZstdDecompressor(pool), "zstandard", maxRecordSize, pool),
        AvroCodec.Bzip2 => new StreamContent(() => new Bzip2Decompressor(pool), "bzip2", maxRecordSize, pool),
        _ => new StreamContent(() => new XzDecompressor(pool), "xz", maxRecordSize, pool),
    };

    /// <summary>Goes to a block.</summary>
    /// <param name="data">Its compressed data.</param>
    /// <exception cref="DataFormatException">The data is corrupt.</exception>
    public abstract void Open(AvroInput data);

    /// <summary>Makes more of the block available. What begins at <see cref="At"/> is kept, elsewhere.</summary>
    /// <exception cref="DataFormatException">The data is corrupt, or one record is larger than allowed.</exception>
    public abstract void Fill();

    /// <inheritdoc/>
    public abstract void Dispose();
}
