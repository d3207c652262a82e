using System.IO.Compression;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

public sealed class DeflateTests : IDisposable
{
    private readonly BufferPool _pool = new();

    /// <summary>Bits in the order of the file: numbers least significant bit first, Huffman codes most significant bit first.</summary>
    public static TheoryData<string, string> Corrupt => new()
    {
        { "1 11", "reserved type 3" },
        { "1 00 00000 1000000000000000 0000000000000000", "complement differ" },
        { "1 10 11000110", "literal or length code does not exist" },
        { "1 10 10010001 0000001 11110", "distance code does not exist" },
        { "1 10 0000001 00000", "before the start" },
        { "1 10 10010001 0000001 10000 0000", "before the start" },
        { "1 01 11111 00000 0000", "288 literal and length codes" },
        { "1 01 00000 00000 0000 000 000 000 000", "code for a code length does not exist" },
        { "1 01 00000 00000 0000 100 100 100 000", "code lengths is not a complete" },
        { "1 01 00000 00000 0000 100 010 000 000", "code lengths is not a complete" },
        { "1 01 00000 00000 0000 100 100 000 000 0 00", "repeats one before it" },
        { "1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1111111", "beyond the last code" },
        { "1 01 00000 00000 0000 000 100 100 000 1 1111111 1 1011011", "no code for its end" },
    };

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory]
    [InlineData("text", 3_000_000), InlineData("runs", 3_000_000), InlineData("zeros", 3_000_000)]
    [InlineData("random", 300_000), InlineData("text", 10), InlineData("runs", 500)]
    public void Decompress_ExactTarget_GivesTheContent(string kind, int size)
    {
        var content = Samples.Make(kind, size);
        var file = Raw(content, CompressionLevel.SmallestSize);
        var target = new byte[size];
        using var inflater = new Inflater(_pool);
        for (var again = 0; again < 2; again++)
        {
            Assert.Equal(size, inflater.Decompress([.. file, .. "more"u8], target, out var consumed));
            Assert.Equal(file.Length, consumed);
            Assert.True(content.AsSpan().SequenceEqual(target));
        }
    }

    [Fact]
    public void Decompress_TargetTooSmall_ThrowsAndWritesNothingBehind()
    {
        using var inflater = new Inflater(_pool);
        foreach (var kind in new[] { "text", "runs", "zeros", "random" })
        {
            var file = Raw(Samples.Make(kind, 3000), CompressionLevel.Optimal);
            for (var size = 0; size < 3000; size += 7)
            {
                var target = new byte[size + 400];
                var error = Assert.Throws<DataFormatException>(() => inflater.Decompress(file, target.AsSpan(0, size), out _));
                Assert.Contains("more than", error.Message, StringComparison.Ordinal);
                Assert.True(target.AsSpan(size).IndexOfAnyExcept((byte)0) < 0);
            }
        }
    }

    [Fact]
    public void Decompress_CutAnywhere_Throws()
    {
        using var inflater = new Inflater(_pool);
        var target = new byte[5000];
        foreach (var kind in new[] { "text", "runs", "random" })
        {
            var file = Raw(Samples.Make(kind, 3000), CompressionLevel.Optimal);
            for (var length = 0; length < file.Length; length++)
                Assert.Throws<DataFormatException>(() => inflater.Decompress(file.AsSpan(0, length), target, out _));
        }
    }

    [Theory, MemberData(nameof(Corrupt))]
    public void Decompress_CorruptBlock_SaysWhatIsWrong(string bits, string reason)
    {
        var digits = bits.Replace(" ", "", StringComparison.Ordinal);
        using var inflater = new Inflater(_pool);
        // With little behind it the careful loop meets the fault, with much the fast one.
        foreach (var length in new[] { digits.Length / 8 + 1, 500 })
        {
            var data = new byte[length];
            for (var i = 0; i < digits.Length; i++)
                data[i / 8] |= (byte)((digits[i] - '0') << (i % 8));
            var error = Assert.Throws<DataFormatException>(() => inflater.Decompress(data, new byte[1000], out _));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Decompress_RandomBits_AgreesWithTheRuntime()
    {
        using var inflater = new Inflater(_pool);
        var target = new byte[1 << 20];
        for (var seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var content = Samples.Make(seed % 2 == 0 ? "text" : "runs", random.Next(2, 2000), seed);
            var file = Fuzz.Mutate(Raw(content, seed % 3 == 0 ? CompressionLevel.Fastest : CompressionLevel.Optimal), random);
            byte[]? ours = null;
            try
            {
                ours = target[..inflater.Decompress(file, target, out _)];
            }
            catch (DataFormatException)
            {
            }
            if (ours is null)
                continue;
            // The runtime takes what is cut for complete, so only what we accept can be compared.
            using var stream = new DeflateStream(new MemoryStream(file), CompressionMode.Decompress);
            var theirs = new MemoryStream();
            stream.CopyTo(theirs);
            Assert.True(ours.AsSpan().SequenceEqual(theirs.ToArray()), $"seed {seed}");
        }
    }

    [Fact]
    public void OpenRead_GzipWithEveryHeaderField_IsRead()
    {
        var content = Encoding.ASCII.GetBytes("hello");
        byte[] header = [0x1F, 0x8B, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3, 3, 0, 9, 9, 9, .. "name.csv\0"u8, .. "a comment\0"u8];
        var checksum = (ushort)Crc32.Update(0, header);
        byte[] file =
        [
            .. header, (byte)checksum, (byte)(checksum >> 8), .. Raw(content, CompressionLevel.Optimal),
            .. BitConverter.GetBytes(Crc32.Update(0, content)), 5, 0, 0, 0,
        ];
        Assert.Equal(content, Samples.Decompress(CompressionCodecs.Gzip, file, _pool));
        Assert.Equal([.. content, .. content], Samples.Decompress(CompressionCodecs.Gzip, new TricklingStream([.. file, .. file]), _pool));
        file[header.Length] ^= 1;
        Assert.Contains("header", Samples.Refusal(CompressionCodecs.Gzip, file, _pool), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_GzipHeaderWithoutEnd_IsRefusedBeforeItFillsMemory()
    {
        var file = new byte[20 << 20];
        Array.Fill(file, (byte)'n');
        ((byte[])[0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 0]).CopyTo(file, 0);
        Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Gzip, file, _pool));
        Assert.True(_pool.PeakBytes < 8 << 20);
    }

    [Fact]
    public void OpenRead_GzipPadding_OnlyZerosAreAllowed()
    {
        var file = Samples.Compress(CompressionCodecs.Gzip, "hello"u8.ToArray(), _pool);
        Assert.Equal("hello"u8.ToArray(), Samples.Decompress(CompressionCodecs.Gzip, [.. file, .. new byte[100_000]], _pool));
        Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Gzip, [.. file, .. new byte[1000], 1], _pool));
        Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Gzip, [.. file, 0, .. file], _pool));
    }

    [Fact]
    public void OpenRead_GzipTrailerWrong_NamesBothValues()
    {
        var file = Samples.Compress(CompressionCodecs.Gzip, "hello"u8.ToArray(), _pool);
        var wrongSum = (byte[])file.Clone();
        wrongSum[^5] ^= 0x10;
        var wrongLength = (byte[])file.Clone();
        wrongLength[^4] = 6;
        Assert.Contains("CRC-32 of its content is 0x3610A686", Samples.Refusal(CompressionCodecs.Gzip, wrongSum, _pool), StringComparison.Ordinal);
        Assert.Contains("5 bytes (modulo 2^32), but 6", Samples.Refusal(CompressionCodecs.Gzip, wrongLength, _pool), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_NotGzip_SaysSo()
    {
        var error = Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Gzip, "id,name\n1,a\n"u8.ToArray(), _pool));
        const string expected = "sample: the gzip data cannot be read: it does not begin with the bytes 1F 8B (at compressed byte 0).";
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_ManySmallMembers_AreJoined()
    {
        var member = Samples.Compress(CompressionCodecs.Gzip, Samples.Make("text", 100), _pool);
        var file = Enumerable.Repeat(member, 5000).SelectMany(bytes => bytes).ToArray();
        var content = Samples.Decompress(CompressionCodecs.Gzip, file, _pool);
        Assert.Equal(Enumerable.Repeat(Samples.Make("text", 100), 5000).SelectMany(bytes => bytes).ToArray(), content);
    }

    [Fact]
    public void OpenRead_MatchIntoTheMemberBefore_Throws()
    {
        var first = Samples.Compress(CompressionCodecs.Gzip, Samples.Make("text", 1000), _pool);
        byte[] second = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, .. Convert.FromHexString("4B04C205"), .. new byte[100]];
        Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Gzip, [.. first, .. second], _pool));
    }

    [Fact]
    public void OpenRead_Bomb_UsesConstantMemory()
    {
        var file = Samples.Compress(CompressionCodecs.Gzip, new byte[100 << 20], _pool, pieceSize: 100 << 20);
        using var pool = new BufferPool();
        using (var stream = CompressionCodecs.Gzip.OpenRead(new MemoryStream(file), "bomb", leaveOpen: false, pool))
        {
            var buffer = new byte[1 << 16];
            var total = 0L;
            int read;
            while ((read = stream.Read(buffer.AsSpan())) > 0)
                total += read;
            Assert.Equal(100 << 20, total);
        }
        Assert.True(pool.PeakBytes < 1 << 20);
    }

    private static byte[] Raw(byte[] content, CompressionLevel level)
    {
        var file = new MemoryStream();
        using (var stream = new DeflateStream(file, level, leaveOpen: true))
            stream.Write(content);
        return content.Length == 0 ? [3, 0] : file.ToArray();
    }
}
