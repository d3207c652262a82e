using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>LZ4 frames (LZ4 Frame Format Description 1.6).</summary>
internal sealed class Lz4Codec : CompressionCodec
{
    public override string Name => "lz4";

    public override IReadOnlyList<string> Extensions { get; } = [".lz4"];

    public override (int Min, int Max, int Default) Levels => (1, 1, 1);

    public override bool Matches(ReadOnlySpan<byte> firstBytes)
    {
        var frame = SkippableFrame.SkipAll(firstBytes);
        return frame.StartsWith((ReadOnlySpan<byte>)[0x04, 0x22, 0x4D, 0x18]) || frame.StartsWith((ReadOnlySpan<byte>)[0x02, 0x21, 0x4C, 0x18]);
    }

    internal override Decompressor CreateDecompressor(BufferPool pool) => new Lz4FrameDecompressor(pool);

    private protected override ICompressor CreateCompressorCore(int level) => new Lz4FrameCompressor();
}
