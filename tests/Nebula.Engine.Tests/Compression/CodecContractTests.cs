using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>The same facts about every codec.</summary>
public sealed class CodecContractTests : IDisposable
{
    private static readonly string[] Kinds = ["zeros", "random", "text", "runs"];
    private readonly BufferPool _pool = new();

    public static TheoryData<string> Codecs => [.. CompressionCodecs.All.Select(codec => codec.Name)];

    public static TheoryData<string> RealCodecs => [.. CompressionCodecs.All.Where(codec => codec.Name != "none").Select(codec => codec.Name)];

    public static TheoryData<string> ChecksummedCodecs => ["gzip", "zstd", "lz4", "snappy", "s2", "deflate"];

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, MemberData(nameof(Codecs))]
    public void RoundTrip_AnyLevelSizeAndKind_GivesTheContentBack(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        var (min, max, standard) = codec.Levels;
        foreach (var level in new[] { min, standard, max }.Distinct())
            foreach (var size in new[] { 0, 1, 2, 5, 13, 17, 100, 65535, 65536, 65537, 200_000 })
                foreach (var kind in Kinds)
                {
                    var content = Samples.Make(kind, size);
                    var compressed = Samples.Compress(codec, content, _pool, level);
                    Assert.True(content.AsSpan().SequenceEqual(Samples.Decompress(codec, compressed, _pool)), $"{name} level {level}, {size} bytes of {kind}");
                }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void RoundTrip_SeveralMegabytes_GivesTheContentBack(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var kind in Kinds)
            foreach (var pieceSize in new[] { 1 << 20, 5_500_000 })
            {
                var content = Samples.Make(kind, 5_500_000);
                var compressed = Samples.Compress(codec, content, _pool, pieceSize: pieceSize);
                Assert.True(content.AsSpan().SequenceEqual(Samples.Decompress(codec, compressed, _pool, 1 << 20)), $"{name}, {kind}");
            }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void RoundTrip_RandomSizes_GivesTheContentBack(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var content = Samples.Make(Kinds[seed % Kinds.Length], random.Next(1, 40_000), seed);
            var compressed = Samples.Compress(codec, content, _pool, pieceSize: random.Next(1, 20_000) + 500);
            var read = Samples.Decompress(codec, new TricklingStream(compressed, seed), _pool, random.Next(1, 9000));
            Assert.True(content.AsSpan().SequenceEqual(read), $"{name}, seed {seed}");
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public async Task ReadAsync_OneByteAtATime_GivesTheContentBack(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var kind in Kinds)
        {
            var content = Samples.Make(kind, 70_000);
            var compressed = Samples.Compress(codec, content, _pool, pieceSize: 40_000);
            await using var stream = codec.OpenRead(new TricklingStream(compressed), "sample", leaveOpen: false, _pool);
            var result = new MemoryStream();
            await stream.CopyToAsync(result);
            Assert.Equal(content, result.ToArray());
            Assert.Equal(0, await stream.ReadAsync(new byte[10].AsMemory()));
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void Compress_ManyThreads_PiecesStandInAnyOrder(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        using var compressor = codec.CreateCompressor();
        if (!compressor.IsParallel)
            return;
        var pieces = Enumerable.Range(0, 24).Select(i => Samples.Make(Kinds[i % Kinds.Length], 5000 + 977 * i, i)).ToArray();
        var compressed = new byte[pieces.Length][];
        Parallel.For(0, pieces.Length, i =>
        {
            using var part = compressor.Compress(pieces[i], _pool);
            compressed[i] = part.Content.ToArray();
        });
        using var last = compressor.Finish(_pool);
        byte[] file = [.. compressed.SelectMany(part => part), .. last.Content];
        Assert.Equal(pieces.SelectMany(piece => piece).ToArray(), Samples.Decompress(codec, file, _pool));
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void OpenRead_CutAnywhere_Throws(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var kind in Kinds)
        {
            var file = Samples.Compress(codec, Samples.Make(kind, 700), _pool);
            for (var length = 0; length < file.Length; length++)
            {
                // The snappy formats have no end mark: their identifier alone is a valid empty file.
                if (name is "snappy" or "s2" && length == 10)
                    continue;
                var error = Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, file[..length], _pool));
                Assert.Contains("sample", error.Message, StringComparison.Ordinal);
                Assert.Contains(name, error.Message, StringComparison.Ordinal);
                Assert.Contains("at compressed byte", error.Message, StringComparison.Ordinal);
                error = Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, new TricklingStream(file[..length]), _pool, 100));
                Assert.Equal(ErrorKind.Data, error.Kind);
            }
        }
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void OpenRead_CutInSecondUnit_Throws(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        using var compressor = codec.CreateCompressor();
        if (!compressor.IsParallel)
            return;
        var first = Samples.Compress(codec, Samples.Make("text", 3000), _pool);
        var second = Samples.Compress(codec, Samples.Make("text", 300), _pool);
        for (var length = 1; length < second.Length; length++)
        {
            if (name is "snappy" or "s2" && length == 10)
                continue;
            Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, [.. first, .. second.AsSpan(0, length)], _pool));
        }
    }

    [Theory, MemberData(nameof(ChecksummedCodecs))]
    public void OpenRead_AnyBitFlipped_ThrowsOrGivesTheSameContent(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        var content = Samples.Make("text", 600);
        var file = Samples.Compress(codec, content, _pool);
        for (var bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                // Some bits do not matter: a gzip header's time, a match that could as well begin elsewhere. The content must be the same.
                var same = content.AsSpan().SequenceEqual(Samples.Decompress(codec, file, _pool));
                // One bit makes a data chunk of the snappy formats one that readers must skip.
                Assert.True(same || name is "snappy" or "s2" && bit == 10 * 8 + 7, $"{name}: bit {bit} changed the content");
            }
            catch (DataFormatException)
            {
            }
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void OpenRead_BrotliWithAnyBitFlipped_DoesNotCrash()
    {
        var file = Samples.Compress(CompressionCodecs.Brotli, Samples.Make("text", 600), _pool);
        for (var bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            Fuzz.Read(CompressionCodecs.Brotli, file, _pool);
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void OpenRead_GarbageBehindTheEnd_Throws(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        var file = Samples.Compress(codec, Samples.Make("text", 5000), _pool);
        Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, [.. file, .. "garbage!"u8], _pool));
        Assert.Throws<DataFormatException>(() => Samples.Decompress(codec, [.. file, 0x37], _pool));
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void OpenRead_AfterAnError_KeepsThrowing(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        var file = Samples.Compress(codec, Samples.Make("random", 5000), _pool);
        using var stream = codec.OpenRead(new MemoryStream(file[..^1]), "sample", leaveOpen: false, _pool);
        var buffer = new byte[100_000];
        Assert.Throws<DataFormatException>(() => { while (stream.Read(buffer.AsSpan()) > 0) { } });
        Assert.Throws<DataFormatException>(() => stream.Read(buffer.AsSpan()));
    }

    [Theory, MemberData(nameof(Codecs))]
    public void OpenRead_LeaveOpen_DecidesAboutTheSource(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var leaveOpen in new[] { true, false })
        {
            var source = new TricklingStream([]);
            codec.OpenRead(source, "sample", leaveOpen, _pool).Dispose();
            Assert.Equal(!leaveOpen, source.IsDisposed);
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void CreateCompressor_LevelOutOfRange_IsAConfigurationError(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var level in new[] { codec.Levels.Min - 1, codec.Levels.Max + 1 })
        {
            var error = Assert.Throws<NebulaException>(() => codec.CreateCompressor(level));
            Assert.Equal(ErrorKind.Configuration, error.Kind);
        }
    }

    [Theory, MemberData(nameof(Codecs))]
    public void Dispose_CompressorNotFinished_ReturnsItsMemory(string name)
    {
        using var compressor = CompressionCodecs.ByName(name).CreateCompressor();
        using var part = compressor.Compress(Samples.Make("text", 100_000), _pool);
        Assert.True(part.Length >= 0);
    }

    [Theory, MemberData(nameof(RealCodecs))]
    public void Detect_OwnOutput_FindsTheCodec(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var size in new[] { 0, 1000 })
        {
            var file = Samples.Compress(codec, Samples.Make("text", size), _pool);
            var expected = name == "brotli" ? null : codec;
            Assert.Same(expected, CompressionCodecs.Detect(file));
        }
    }

    [Theory]
    [InlineData("part-0.csv.gz", "gzip"), InlineData("A.CSV.GZ", "gzip"), InlineData("a.zst", "zstd"), InlineData("a.lz4", "lz4"), InlineData("a.sz", "snappy")]
    [InlineData("a.snappy", "snappy"), InlineData("a.s2", "s2"), InlineData("a.br", "brotli"), InlineData("a.zz", "deflate")]
    [InlineData("a.csv", null), InlineData("gz", null)]
    public void ByExtension_Path_FindsTheCodec(string path, string? expected) => Assert.Equal(expected, CompressionCodecs.ByExtension(path)?.Name);

    [Fact]
    public void ByName_Unknown_SuggestsTheNearest()
    {
        var error = Assert.Throws<NebulaException>(() => CompressionCodecs.ByName("gzp"));
        Assert.Contains("Did you mean 'gzip'?", error.Message, StringComparison.Ordinal);
        Assert.Same(CompressionCodecs.Gzip, CompressionCodecs.ByName("GZip"));
    }

    [Fact]
    public void Detect_PlainText_FindsNothing()
    {
        Assert.Null(CompressionCodecs.Detect("id,name\n1,a\n"u8));
        Assert.Null(CompressionCodecs.Detect("x^2"u8));
        Assert.Null(CompressionCodecs.Detect([]));
    }
}
