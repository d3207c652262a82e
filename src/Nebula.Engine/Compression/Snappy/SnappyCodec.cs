using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>Snappy in its framing format. Bare blocks, as they stand inside other formats, are <see cref="SnappyBlock"/>.</summary>
internal sealed class SnappyCodec : CompressionCodec
{
    public override string Name => "snappy";

    public override IReadOnlyList<string> Extensions { get; } = [".sz", ".snappy"];

    public override (int Min, int Max, int Default) Levels => (1, 1, 1);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => firstBytes.StartsWith(SnappyFraming.Snappy.Identifier);

    internal override Decompressor CreateDecompressor(BufferPool pool) => new SnappyFrameDecompressor(SnappyFraming.Snappy, pool);

    private protected override ICompressor CreateCompressorCore(int level) => new SnappyFrameCompressor(SnappyFraming.Snappy);
}
