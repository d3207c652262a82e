using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>zstd frames from span to span, for formats that compress pages and blocks. Whoever does many keeps a context instead.</summary>
internal static class ZstdFrame
{
    /// <summary>Compresses into one frame without checksum.</summary>
    /// <param name="source">The content.</param>
    /// <param name="level">1 to 22.</param>
    /// <param name="pool">Where the frame and working memory come from.</param>
    /// <exception cref="NebulaException">libzstd is missing.</exception>
    public static PooledBuffer Compress(ReadOnlySpan<byte> source, int level, BufferPool pool)
    {
        using var context = new ZstdCompressionContext(level, checksum: false, pool);
        return context.Compress(source, pool);
    }

    /// <summary>Decodes whole frames.</summary>
    /// <param name="source">One or more frames.</param>
    /// <param name="target">Where their content goes.</param>
    /// <param name="pool">Where working memory comes from.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DataFormatException">The data is corrupt, incomplete, or longer than <paramref name="target"/>.</exception>
    /// <exception cref="NebulaException">libzstd is missing.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> target, BufferPool pool)
    {
        using var context = new ZstdDecompressionContext(pool);
        return context.Decompress(source, target);
    }
}
