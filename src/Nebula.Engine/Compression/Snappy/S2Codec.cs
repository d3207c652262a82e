using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>S2: Snappy's framing with blocks up to 4 MB and repeated offsets. Reads Snappy as well; writes blocks that use no repeated offsets.</summary>
internal sealed class S2Codec : CompressionCodec
{
    public override string Name => "s2";

    public override IReadOnlyList<string> Extensions { get; } = [".s2"];

    public override (int Min, int Max, int Default) Levels => (1, 1, 1);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => firstBytes.StartsWith(SnappyFraming.S2.Identifier);

    internal override Decompressor CreateDecompressor(BufferPool pool) => new SnappyFrameDecompressor(SnappyFraming.S2, pool);

    private protected override ICompressor CreateCompressorCore(int level) => new SnappyFrameCompressor(SnappyFraming.S2);
}
