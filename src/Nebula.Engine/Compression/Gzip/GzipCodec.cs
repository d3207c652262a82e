using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Gzip;

/// <summary>gzip (RFC 1952).</summary>
internal sealed class GzipCodec : CompressionCodec
{
    public override string Name => "gzip";

    public override IReadOnlyList<string> Extensions { get; } = [".gz", ".gzip"];

    public override (int Min, int Max, int Default) Levels => (1, 9, 6);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => firstBytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]);

    internal override Decompressor CreateDecompressor(BufferPool pool) => new GzipDecompressor(pool);

    private protected override ICompressor CreateCompressorCore(int level) => new GzipCompressor(level);
}
