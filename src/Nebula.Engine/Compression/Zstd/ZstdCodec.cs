using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>Zstandard (RFC 8878), through libzstd.</summary>
internal sealed class ZstdCodec : CompressionCodec
{
    public override string Name => "zstd";

    public override IReadOnlyList<string> Extensions { get; } = [".zst", ".zstd"];

    public override (int Min, int Max, int Default) Levels => (1, 22, 3);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => SkippableFrame.SkipAll(firstBytes).StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]);

    internal override Decompressor CreateDecompressor(BufferPool pool) => new ZstdDecompressor(pool);

    private protected override ICompressor CreateCompressorCore(int level)
    {
        ZstdNative.Require();
        return new ZstdCompressor(level);
    }
}
