using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Brotli;

/// <summary>Brotli (RFC 7932), through the runtime's own implementation. Has no signature and no checksum.</summary>
internal sealed class BrotliCodec : CompressionCodec
{
    public override string Name => "brotli";

    public override IReadOnlyList<string> Extensions { get; } = [".br"];

    public override (int Min, int Max, int Default) Levels => (0, 11, 4);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => false;

    internal override Decompressor CreateDecompressor(BufferPool pool) => new BrotliDecompressor();

    private protected override ICompressor CreateCompressorCore(int level) => new BrotliCompressor(level);
}
