using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>What stands around the blocks: frames, chunks, sizes, checksums.</summary>
public sealed class FramingTests : IDisposable
{
    private static readonly byte[] Skippable = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    private readonly BufferPool _pool = new();

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, InlineData("zstd"), InlineData("lz4")]
    public void OpenRead_SkippableFrames_AreSkipped(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        var content = Samples.Make("text", 1000);
        var frame = Samples.Compress(codec, content, _pool);
        byte[] file = [.. Skippable, .. frame, .. Skippable, .. Skippable, .. frame, .. Skippable];
        Assert.Same(codec, CompressionCodecs.Detect(file));
        Assert.Equal([.. content, .. content], Samples.Decompress(codec, file, _pool));
        Assert.Equal([.. content, .. content], Samples.Decompress(codec, new TricklingStream(file), _pool, 10));
        Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, file[..^1], _pool));
    }

    [Theory]
    [InlineData(4, 0xC0, "version 2")]
    [InlineData(5, 0x10, "checksum of a frame header")]
    [InlineData(14, 0x01, "checksum of a frame header")]
    public void OpenRead_Lz4HeaderDamaged_SaysWhatIsWrong(int at, byte flip, string reason)
    {
        var file = Samples.Compress(CompressionCodecs.Lz4, Samples.Make("text", 100), _pool);
        file[at] ^= flip;
        Assert.Contains(reason, Samples.Refusal(CompressionCodecs.Lz4, file, _pool), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x61, 0x40, "dictionary")]
    [InlineData(0x62, 0x40, "reserved bits")]
    [InlineData(0x60, 0x41, "reserved bits")]
    [InlineData(0x60, 0x30, "block size code 3")]
    public void OpenRead_Lz4HeaderWithWhatIsNotSupported_Throws(byte flags, byte block, string reason)
    {
        byte[] descriptor = (flags & 1) != 0 ? [flags, block, 1, 2, 3, 4] : [flags, block];
        byte[] file = [0x04, 0x22, 0x4D, 0x18, .. descriptor, (byte)(XxHash32.Hash(descriptor) >> 8), 0, 0, 0, 0];
        Assert.Contains(reason, Samples.Refusal(CompressionCodecs.Lz4, file, _pool), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_Lz4ContentSizeWrong_Throws()
    {
        var file = Samples.Compress(CompressionCodecs.Lz4, Samples.Make("text", 100), _pool);
        file[6]++;
        file[14] = (byte)(XxHash32.Hash(file.AsSpan(4, 10)) >> 8);
        Assert.Contains("100 bytes, but its header announces 101", Samples.Refusal(CompressionCodecs.Lz4, file, _pool), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_SnappyChunks_AreJudgedByType()
    {
        var content = Samples.Make("text", 1000);
        var file = Samples.Compress(CompressionCodecs.Snappy, content, _pool);
        byte[] padding = [0xFE, 5, 0, 0, 0, 0, 0, 0, 0];
        byte[] skippable = [0x80, 2, 0, 0, 1, 1];
        byte[] reserved = [0x7F, 2, 0, 0, 1, 1];
        Assert.Equal([.. content, .. content], Samples.Decompress(CompressionCodecs.Snappy, [.. file, .. padding, .. skippable, .. file, .. padding], _pool));
        Assert.Contains("reserved type 0x7F", Samples.Refusal(CompressionCodecs.Snappy, [.. file, .. reserved], _pool), StringComparison.Ordinal);
        Assert.Contains("does not begin", Samples.Refusal(CompressionCodecs.Snappy, file[10..], _pool), StringComparison.Ordinal);
        Assert.Equal(content, Samples.Decompress(CompressionCodecs.S2, file, _pool));
        var s2 = Samples.Compress(CompressionCodecs.S2, content, _pool);
        Assert.Contains("set its compression to 's2'", Samples.Refusal(CompressionCodecs.Snappy, s2, _pool), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_SnappyClaimsHugeContent_IsRefusedBeforeMemoryIsTaken()
    {
        byte[] file = [0xFF, 6, 0, 0, .. "sNaPpY"u8, 0, 9, 0, 0, 1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 7];
        Assert.Contains("more than the 65536", Samples.Refusal(CompressionCodecs.Snappy, file, _pool), StringComparison.Ordinal);
        Assert.True(_pool.PeakBytes < 1 << 20);
    }

    [Fact]
    public void OpenRead_Lz4ClaimsHugeBlock_Throws()
    {
        var file = Samples.Compress(CompressionCodecs.Lz4, Samples.Make("text", 100), _pool);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(15), 0x7FFF_FFFF);
        Assert.Contains("more than the 4194304", Samples.Refusal(CompressionCodecs.Lz4, file, _pool), StringComparison.Ordinal);
    }

    [Theory, InlineData("gzip"), InlineData("zstd"), InlineData("lz4"), InlineData("snappy"), InlineData("s2"), InlineData("brotli"), InlineData("deflate")]
    public void OpenRead_DamagedFiles_ThrowOrEnd(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        string[] kinds = ["text", "runs", "zeros", "random"];
        var files = kinds.Select(kind => Samples.Compress(codec, Samples.Make(kind, 3000), _pool, pieceSize: 1100)).ToArray();
        for (var seed = 0; seed < 4000; seed++)
            Assert.True(Fuzz.Read(codec, Fuzz.Mutate(files[seed % files.Length], new Random(seed)), _pool) >= -1, $"seed {seed}");
    }

    [Theory, InlineData("gzip"), InlineData("zstd"), InlineData("lz4"), InlineData("snappy"), InlineData("s2"), InlineData("brotli"), InlineData("deflate")]
    public void OpenRead_RandomBytes_ThrowOrEnd(string name)
    {
        for (var seed = 0; seed < 2000; seed++)
            Fuzz.Read(CompressionCodecs.ByName(name), Samples.Make("random", seed % 300, seed), _pool);
    }
}
