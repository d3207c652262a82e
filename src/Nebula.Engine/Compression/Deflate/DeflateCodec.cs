using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Deflate data without gzip: reads the zlib container (RFC 1950) and raw data (RFC 1951), writes the zlib container.</summary>
internal sealed class DeflateCodec : CompressionCodec
{
    public override string Name => "deflate";

    public override IReadOnlyList<string> Extensions { get; } = [".deflate", ".zz"];

    public override (int Min, int Max, int Default) Levels => (1, 9, 6);

    /// <summary>Knows the zlib headers that writers produce but for one: 78 5E reads as the text <c>x^</c>.</summary>
    public override bool Matches(ReadOnlySpan<byte> firstBytes) => firstBytes.Length >= 2 && firstBytes[0] == 0x78 && firstBytes[1] is 0x01 or 0x9C or 0xDA;

    internal override Decompressor CreateDecompressor(BufferPool pool) => new ZlibDecompressor(pool);

    private protected override ICompressor CreateCompressorCore(int level) => new ZlibCompressor(level);
}
