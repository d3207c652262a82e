using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression;

/// <summary>Compresses one file piece by piece. What <see cref="Compress"/> gives for the pieces, in their order, and then <see cref="Finish"/> make up the
/// file.</summary>
public interface ICompressor : IDisposable
{
    /// <summary>
    /// Whether each piece becomes a complete unit (a gzip member, a zstd frame) of its own, so that any threads may call <see cref="Compress"/> at the same
    /// time and in any order.
    /// Otherwise it must be called by one thread at a time, in the order of the file.
    /// </summary>
    bool IsParallel { get; }

    /// <summary>Compresses a piece.</summary>
    /// <param name="piece">The bytes. 256 KB and more per piece keep the ratio near that of the whole file.</param>
    /// <param name="pool">Where the result comes from.</param>
    /// <returns>Compressed bytes; the caller disposes of them. May be empty where pieces are not parallel.</returns>
    PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool);

    /// <summary>Ends the file. Called once, after all pieces; a file without pieces still becomes a valid compressed file of length 0.</summary>
    /// <param name="pool">Where the result comes from.</param>
    /// <returns>The last bytes of the file, often none; the caller disposes of them.</returns>
    PooledBuffer Finish(BufferPool pool);
}
