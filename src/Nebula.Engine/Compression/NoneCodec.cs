using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression;

/// <summary>No compression.</summary>
internal sealed class NoneCodec : CompressionCodec
{
    public override string Name => "none";

    public override IReadOnlyList<string> Extensions => [];

    public override (int Min, int Max, int Default) Levels => (0, 0, 0);

    public override bool Matches(ReadOnlySpan<byte> firstBytes) => false;

    public override Stream OpenRead(Stream compressed, string name, bool leaveOpen, BufferPool? pool = null) =>
        leaveOpen ? base.OpenRead(compressed, name, leaveOpen, pool) : compressed;

    internal override Decompressor CreateDecompressor(BufferPool pool) => new Copying();

    private protected override ICompressor CreateCompressorCore(int level) => new Copier();

    private sealed class Copying : Decompressor
    {
        public override bool IsComplete => true;

        public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
        {
            Consumed = Math.Min(input.Length, output.Length);
            input[..Consumed].CopyTo(output);
            return Consumed;
        }

        public override void Dispose()
        {
        }
    }

    private sealed class Copier : ICompressor
    {
        public bool IsParallel => true;

        public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool)
        {
            var copy = pool.Rent(piece.Length);
            piece.CopyTo(copy.Span);
            copy.Length = piece.Length;
            return copy;
        }

        public PooledBuffer Finish(BufferPool pool) => pool.Rent(0);

        public void Dispose()
        {
        }
    }
}
