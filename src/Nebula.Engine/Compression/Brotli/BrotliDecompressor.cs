using System.Buffers;
using System.IO.Compression;

namespace Nebula.Engine.Compression.Brotli;

/// <summary>Decodes one brotli stream. Its window, 16 MB at most, is the runtime's memory and not the pool's.</summary>
internal sealed class BrotliDecompressor : Decompressor
{
    private BrotliDecoder _decoder;
    private bool _ended;

    public override bool IsComplete => _ended;

    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        if (_ended)
            return input.IsEmpty ? 0 : throw new CompressionFault("more bytes follow after its end", 0, "Cut them off, or write the content as one stream.");
        var status = _decoder.Decompress(input, output, out var consumed, out var written);
        Consumed = consumed;
        if (status == OperationStatus.InvalidData)
            throw new CompressionFault("it is not valid brotli");
        _ended = status == OperationStatus.Done;
        return written;
    }

    public override void Dispose() => _decoder.Dispose();
}
