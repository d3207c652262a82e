using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>Decodes zstd frames, one after the other; skippable frames are skipped. libzstd checks sizes and checksums.</summary>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class ZstdDecompressor(BufferPool pool) : Decompressor
{
    private readonly ZstdDecompressionContext _context = new(pool);
    private bool _frameEnded;

    public override bool IsComplete => _frameEnded;

    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (true)
        {
            // At a frame's end libzstd would take an empty input for the start of the next one.
            if (_frameEnded && input.Length == Consumed)
                return 0;
            var ended = _context.Decompress(input[Consumed..], output, out var consumed, out var written);
            Consumed += consumed;
            _frameEnded = ended;
            if (written > 0 || !ended && consumed == 0)
                return written;
        }
    }

    public override void Dispose() => _context.Dispose();
}
