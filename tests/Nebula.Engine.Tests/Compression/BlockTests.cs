using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>The codecs from span to span, as formats use them.</summary>
public sealed class BlockTests : IDisposable
{
    private static readonly string[] Kinds = ["zeros", "random", "text", "runs"];
    private readonly BufferPool _pool = new();

    private delegate int Coder(ReadOnlySpan<byte> source, Span<byte> target);

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Fact]
    public void Lz4_AnyContent_RoundTrips() => RoundTrip(Lz4Block.MaxCompressedLength, Lz4Block.Compress, Lz4Block.Decompress);

    [Fact]
    public void Snappy_AnyContent_RoundTrips() => RoundTrip(SnappyBlock.MaxCompressedLength, SnappyBlock.Compress, SnappyBlock.Decompress);

    [Fact]
    public void Lz4Frame_AnyContent_RoundTrips()
    {
        using var compressor = new Lz4FrameCompressor();
        foreach (var kind in Kinds)
            foreach (var size in new[] { 1, 1000, 300_000, 9_000_000 })
            {
                var content = Samples.Make(kind, size);
                using var frame = compressor.Compress(content, _pool);
                var target = new byte[size];
                Lz4Frame.Decompress(frame.Content, target);
                Assert.Equal(content, target);
                Assert.Throws<DataFormatException>(() => Lz4Frame.Decompress(frame.Content, new byte[size - 1]));
                Assert.Throws<DataFormatException>(() => Lz4Frame.Decompress(frame.Content, new byte[size + 1]));
                Assert.Throws<DataFormatException>(() => Lz4Frame.Decompress(frame.Content[..^1], target));
                Assert.Throws<DataFormatException>(() => Lz4Frame.Decompress([.. frame.Content, 0], target));
            }
    }

    [Fact]
    public void Lz4Frame_DamagedFrames_EndAsTheyDoWhenReadPieceByPiece()
    {
        const int seed = 77;
        using var compressor = new Lz4FrameCompressor();
        var content = Samples.Make("text", 5000);
        using var whole = compressor.Compress(content, _pool);
        var frame = whole.Content.ToArray();
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
        {
            var damaged = (byte[])frame.Clone();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            var (direct, stepwise) = (new byte[content.Length], new byte[content.Length]);
            using var decompressor = new Lz4FrameDecompressor(_pool);
            var expected = Record.Exception(() => CompressedBlock.Decompress(decompressor, "lz4", damaged, stepwise));
            var actual = Record.Exception(() => Lz4Frame.Decompress(damaged, direct));
            Assert.True(expected?.GetType() == actual?.GetType(), $"seed {seed}, round {round}: {expected?.Message} / {actual?.Message}");
            if (actual is null)
                Assert.Equal(stepwise, direct);
            else
                Assert.IsType<DataFormatException>(actual);
        }
    }

    /// <summary>Places are remembered modulo 64 KB: what stood just so far back looks like the place itself.</summary>
    [Fact]
    public void Snappy_RepetitionAsFarBackAsPlacesAreKnown_RoundTrips()
    {
        foreach (var period in new[] { 65_535, 65_536, 65_537, 131_072 })
        {
            var content = new byte[3 * period];
            new Random(period).NextBytes(content.AsSpan(0, period));
            for (var i = period; i < content.Length; i++)
                content[i] = content[i - period];
            var block = new byte[SnappyBlock.MaxCompressedLength(content.Length)];
            var target = new byte[content.Length];
            Assert.Equal(content.Length, SnappyBlock.Decompress(block.AsSpan(0, SnappyBlock.Compress(content, block)), target));
            Assert.Equal(content, target);
        }
    }

    [Fact]
    public void Snappy_AnyPlacesToSearch_RoundTrip()
    {
        var random = new Random(11);
        foreach (var kind in Kinds)
            foreach (var size in new[] { 0, 1, 31, 33, 64, 1000, 200_000 })
            {
                var content = Samples.Make(kind, size);
                var places = new List<SearchPlace>();
                for (var at = 1; at < size; at += random.Next(1, 60))
                    places.Add(new SearchPlace(at, at += random.Next(60)));
                var block = new byte[SnappyBlock.MaxCompressedLength(size)];
                var length = SnappyBlock.Compress(content, block, [.. places, new SearchPlace(size, size + 100)]);
                var target = new byte[size];
                Assert.Equal(size, SnappyBlock.Decompress(block.AsSpan(0, length), target));
                Assert.Equal(content, target);
            }
    }

    [Fact]
    public void Zstd_AnyContent_RoundTrips()
    {
        foreach (var kind in Kinds)
            foreach (var size in new[] { 0, 1, 1000, 300_000 })
            {
                var content = Samples.Make(kind, size);
                using var frame = ZstdFrame.Compress(content, 3, _pool);
                var target = new byte[size];
                Assert.Equal(size, ZstdFrame.Decompress(frame.Content, target, _pool));
                Assert.Equal(content, target);
                if (size > 0)
                {
                    var error = Assert.Throws<DataFormatException>(() => ZstdFrame.Decompress(frame.Content, new byte[size - 1], _pool));
                    Assert.Contains("more than", error.Message, StringComparison.Ordinal);
                }
                Assert.Throws<DataFormatException>(() => ZstdFrame.Decompress(frame.Content[..(frame.Length - 1)], target, _pool));
            }
    }

    public static TheoryData<string> StreamCodecs => ["gzip", "deflate", "zstd", "lz4", "snappy", "s2", "brotli"];

    [Theory, MemberData(nameof(StreamCodecs))]
    public void CompressedBlock_LengthKnown_MustFillTheTarget(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var kind in Kinds)
            foreach (var size in new[] { 0, 1, 1000, 500_000 })
            {
                var content = Samples.Make(kind, size);
                var block = Samples.Compress(codec, content, _pool, pieceSize: 200_000);
                var target = new byte[size];
                Decode(block, target);
                Assert.Equal(content, target);
                Assert.Throws<DataFormatException>(() => Decode(block, new byte[size + 1]));
                if (size > 0)
                    Assert.Contains("more than", Assert.Throws<DataFormatException>(() => Decode(block, new byte[size - 1])).Message, StringComparison.Ordinal);
                Assert.Throws<DataFormatException>(() => Decode(block[..^1], target));
            }

        void Decode(byte[] block, byte[] target)
        {
            using var decompressor = codec.CreateDecompressor(_pool);
            CompressedBlock.Decompress(decompressor, name, block, target);
        }
    }

    [Theory, MemberData(nameof(StreamCodecs))]
    public void CompressedBlock_LengthUnknown_GrowsUpToTheLimit(string name)
    {
        var codec = CompressionCodecs.ByName(name);
        foreach (var kind in Kinds)
            foreach (var size in new[] { 0, 1, 65536, 500_000 })
            {
                var content = Samples.Make(kind, size);
                var block = Samples.Compress(codec, content, _pool, pieceSize: 200_000);
                using (var decompressor = codec.CreateDecompressor(_pool))
                using (var result = CompressedBlock.Decompress(decompressor, name, block, size, _pool))
                    Assert.True(content.AsSpan().SequenceEqual(result.Content));
                if (size == 0)
                    continue;
                using var second = codec.CreateDecompressor(_pool);
                Assert.Throws<DataFormatException>(() => CompressedBlock.Decompress(second, name, block, size - 1, _pool));
            }
    }

    [Fact]
    public void DeflateBlock_AnyContent_RoundTrips()
    {
        using var inflater = new Inflater(_pool);
        foreach (var kind in Kinds)
            foreach (var size in new[] { 0, 1, 1000, 300_000 })
            {
                var content = Samples.Make(kind, size);
                using var block = DeflateBlock.Compress(content, 6, _pool);
                var target = new byte[size];
                Assert.Equal(size, inflater.Decompress(block.Content, target, out var consumed));
                Assert.Equal(block.Length, consumed);
                Assert.Equal(content, target);
                byte[] more = [.. block.Content, 1, 2, 3];
                using var result = DeflateBlock.Decompress(more, size, _pool, out consumed);
                Assert.True(content.AsSpan().SequenceEqual(result.Content));
                Assert.Equal(block.Length, consumed);
                Assert.Throws<DataFormatException>(() => DeflateBlock.Decompress(more.AsSpan(0, more.Length - 4), size, _pool, out _));
                if (size > 0)
                    Assert.Throws<DataFormatException>(() => DeflateBlock.Decompress(more, size - 1, _pool, out _));
            }
    }

    [Fact]
    public void DeflateBlock_Damaged_ThrowsOrStaysWithinItsLimit()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            using var block = DeflateBlock.Compress(Samples.Make(Kinds[seed % 4], seed, seed), 6, _pool);
            try
            {
                using var result = DeflateBlock.Decompress(Fuzz.Mutate(block.Content.ToArray(), new Random(seed)), 5000, _pool, out _);
                Assert.InRange(result.Length, 0, 5000);
            }
            catch (DataFormatException)
            {
            }
        }
    }

    [Fact]
    public void Lz4_TargetTooSmall_ThrowsAndWritesNothingBehind() => TooSmall(Lz4Block.MaxCompressedLength, Lz4Block.Compress, Lz4Block.Decompress);

    [Fact]
    public void Snappy_TargetTooSmall_ThrowsAndWritesNothingBehind() => TooSmall(SnappyBlock.MaxCompressedLength, SnappyBlock.Compress, SnappyBlock.Decompress);

    [Fact]
    public void Lz4_DamagedBlock_ThrowsOrStaysWithinItsTarget() => Damage(Lz4Block.MaxCompressedLength, Lz4Block.Compress, Lz4Block.Decompress);

    [Fact]
    public void Snappy_DamagedBlock_ThrowsOrStaysWithinItsTarget() => Damage(SnappyBlock.MaxCompressedLength, SnappyBlock.Compress, SnappyBlock.Decompress);

    [Theory]
    [InlineData("", "without its last literals")]
    [InlineData("F0FFFFFF", "within a length")]
    [InlineData("1041", null)]
    [InlineData("2041", "literals reach beyond")]
    [InlineData("104101", "within a match")]
    [InlineData("10410000", "0 bytes back")]
    [InlineData("10410200", "2 bytes back")]
    [InlineData("10410100", "without its last literals")]
    [InlineData("1041010050", "literals reach beyond")]
    public void Lz4_HandmadeBlock_IsJudged(string hex, string? reason) => Judge(Lz4Block.Decompress, hex, reason, "41");

    [Theory]
    [InlineData("", "within its length")]
    [InlineData("FFFFFFFFFF01", "more than 5 bytes")]
    [InlineData("FFFFFFFF0F", "more than there can be")]
    [InlineData("80808001", "more than the 100")]
    [InlineData("010041", null)]
    [InlineData("020041", "holds 1 bytes, but 2")]
    [InlineData("01044142", "literals reach beyond")]
    [InlineData("0504410101", "within an element")]
    [InlineData("0500410100", "0 bytes back")]
    [InlineData("0500410102", "2 bytes back")]
    [InlineData("0400410101", "more than the 4")]
    [InlineData("05004102", "within an element")]
    [InlineData("01F0", "within an element")]
    [InlineData("050841", "literals reach beyond")]
    [InlineData("01FCFFFFFFFF41", "literals reach beyond")]
    [InlineData("050041030A000000", "10 bytes back")]
    public void Snappy_HandmadeBlock_IsJudged(string hex, string? reason) => Judge(SnappyBlock.Decompress, hex, reason, "41");

    [Theory]
    [InlineData("08 0C 61626364 01 04", 8, true)] // a copy of 4 from 4 back
    [InlineData("0C 0C 61626364 01 04 01 00", 12, true)] // and again: repeats the offset
    [InlineData("10 0C 61626364 01 04 11 00", 16, true)] // a repeat of 4 + 4
    [InlineData("14 0C 61626364 01 04 15 00 04", 20, true)] // a repeat of 4 + 4 + 4 in one more byte
    [InlineData("0C 0C 61626364 11 00", 12, false)] // nothing to repeat yet
    [InlineData("0C 0C 61626364 01 04 15 00", 12, false)] // the length is cut off
    public void S2_Repeat_UsesTheOffsetBefore(string hex, int length, bool valid)
    {
        var block = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var target = new byte[length];
        Assert.Equal(length, SnappyBlock.ReadLength(block));
        if (!valid)
        {
            Assert.Throws<CompressionFault>(() => SnappyBlock.Decode(block.AsSpan(1), target, allowRepeats: true));
            return;
        }
        SnappyBlock.Decode(block.AsSpan(1), target, allowRepeats: true);
        Assert.Equal(Enumerable.Range(0, length).Select(i => (byte)('a' + i % 4)), target);
        if (length > 8)
            Assert.Throws<CompressionFault>(() => SnappyBlock.Decode(block.AsSpan(1), target, allowRepeats: false));
    }

    [Theory]
    [InlineData("19", 2, 0)]
    [InlineData("1D", 3, 0)]
    [InlineData("19", 2, 0xFFFF)]
    [InlineData("1D", 3, 12345)]
    public void S2_LongRepeat_HasItsLengthInMoreBytes(string tag, int width, int value)
    {
        var length = (width == 2 ? 1 << 8 : 1 << 16) + value + 4;
        byte[] block = [0, (byte)'x', 1, 1, Convert.FromHexString(tag)[0], 0, .. BitConverter.GetBytes(value).AsSpan(0, width)];
        var target = new byte[1 + 4 + length];
        SnappyBlock.Decode(block, target, allowRepeats: true);
        Assert.True(target.AsSpan().IndexOfAnyExcept((byte)'x') < 0);
    }

    private static void RoundTrip(Func<int, int> bound, Coder compress, Coder decompress)
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var size = seed < 100 ? seed : random.Next(200_000);
            var content = Samples.Make(Kinds[seed % 4], size, seed);
            var block = new byte[bound(size)];
            var length = compress(content, block);
            var target = new byte[size];
            Assert.Equal(size, decompress(block.AsSpan(0, length), target));
            Assert.True(content.AsSpan().SequenceEqual(target), $"seed {seed}");
        }
    }

    private static void TooSmall(Func<int, int> bound, Coder compress, Coder decompress)
    {
        foreach (var kind in Kinds)
        {
            var block = new byte[bound(2000)];
            var length = compress(Samples.Make(kind, 2000), block);
            for (var size = 0; size < 2000; size += 3)
            {
                var target = new byte[size + 200];
                Assert.Throws<DataFormatException>(() => decompress(block.AsSpan(0, length), target.AsSpan(0, size)));
                Assert.True(target.AsSpan(size).IndexOfAnyExcept((byte)0) < 0);
            }
        }
    }

    private static void Damage(Func<int, int> bound, Coder compress, Coder decompress)
    {
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var size = random.Next(1, 500);
            var block = new byte[bound(size)];
            var length = compress(Samples.Make(Kinds[seed % 4], size, seed), block);
            var damaged = Fuzz.Mutate(block[..length], random);
            var target = new byte[size + 200];
            try
            {
                Assert.InRange(decompress(damaged, target.AsSpan(0, size)), 0, size);
            }
            catch (DataFormatException)
            {
            }
            Assert.True(target.AsSpan(size).IndexOfAnyExcept((byte)0) < 0, $"seed {seed}");
        }
    }

    private static void Judge(Coder decompress, string hex, string? reason, string content)
    {
        var target = new byte[100];
        var block = Convert.FromHexString(hex);
        if (reason is null)
            Assert.Equal(content, Convert.ToHexString(target.AsSpan(0, decompress(block, target))));
        else
            Assert.Contains(reason, Assert.Throws<DataFormatException>(() => decompress(block, target)).Message, StringComparison.Ordinal);
    }
}
