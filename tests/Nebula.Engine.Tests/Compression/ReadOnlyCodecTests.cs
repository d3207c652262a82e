using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Bzip2;
using Nebula.Engine.Compression.Xz;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Compression;

/// <summary>Codecs that are only read, inside other formats: bzip2 and xz. A program that is not installed is passed over.</summary>
public sealed class ReadOnlyCodecTests(ITestOutputHelper output) : IDisposable
{
    // "nebula\n" by bzip2 1.0.8
    private const string Bzip2 = "QlpoOTFBWSZTWRo/Q4EAAALBgAAQMgUCACAAIYmEIYBSXXeLuSKcKEgNH6HAgA==";
    private readonly BufferPool _pool = new();

    public static TheoryData<string, string> Programs => new()
    {
        { "bzip2", "-c -1" },
        { "bzip2", "-c -9" },
        { "xz", "-c -0" },
        { "xz", "-c -6 --check=crc32" },
        { "xz", "-c -9e --check=sha256" },
        { "xz", "-c --check=none" },
        { "xz", "-c -T2 --block-size=70000" },
        { "xz", "-c --lzma2=preset=3,lc=1,lp=3,pb=0,dict=4KiB" },
        { "xz", "-c --lzma2=preset=6,lc=0,lp=0,pb=4,dict=64KiB" },
    };

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, MemberData(nameof(Programs))]
    public void Decompress_FileOfAnotherProgram_GivesItsContent(string program, string arguments)
    {
        var contents = new[] { ("zeros", 2_000_000), ("random", 120_000), ("text", 950_000), ("runs", 150_000), ("text", 0), ("text", 1), ("runs", 5) };
        foreach (var (kind, size) in contents)
        {
            var content = Samples.Make(kind, size);
            if (Samples.Run(program, arguments, content) is not { } file)
            {
                output.WriteLine($"skipped: {program} is not installed");
                return;
            }
            foreach (var (piece, room) in new[] { (int.MaxValue, 65536), (100_000, 1000), (20_000, 1 << 20) })
                Assert.True(content.AsSpan().SequenceEqual(Read(program, file, piece, room)), $"{size} bytes of {kind}");
            if (size > 150_000)
                continue;
            Assert.Equal([.. content, .. content], Read(program, [.. file, .. file], int.MaxValue, 65536));
            for (var cut = 1; cut < file.Length; cut += Math.Max(1, file.Length / 10))
                Assert.Throws<CompressionFault>(() => Read(program, file[..cut], int.MaxValue, 65536));
        }
    }

    [Fact]
    public void Decompress_Bzip2_ChecksTheSum()
    {
        var file = Convert.FromBase64String(Bzip2);
        Assert.Equal("nebula\n"u8.ToArray(), Read("bzip2", file, int.MaxValue, 100));
        Assert.Throws<CompressionFault>(() => Read("bzip2", [.. file[..12], (byte)(file[12] ^ 1), .. file[13..]], int.MaxValue, 100));
    }

    [Theory]
    [InlineData("bzip2")]
    [InlineData("xz")]
    public void Decompress_ChangedFiles_EndInContentOrAFault(string program)
    {
        var files = new[] { ("text", 3000), ("runs", 10_000),
            ("zeros", 100_000) }.Select(sample => Samples.Run(program, "-c", Samples.Make(sample.Item1, sample.Item2))).ToArray();
        if (files.Any(static file => file is null))
        {
            output.WriteLine($"skipped: {program} is not installed");
            return;
        }
        const int seed = 20240607;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 1000; i++)
            try
            {
                Read(program, Fuzz.Mutate(files[random.Next(files.Length)]!, random), random.Next(2) == 0 ? int.MaxValue : 777, 1 << 16);
            }
            catch (CompressionFault)
            {
            }
    }

    /// <summary>Reads a file that arrives in pieces; what was not used comes again with the next piece.</summary>
    private byte[] Read(string program, byte[] file, int piece, int room)
    {
        using Decompressor decompressor = program == "xz" ? new XzDecompressor(_pool) : new Bzip2Decompressor(_pool);
        var content = new MemoryStream();
        var buffer = new byte[room];
        var (start, end) = (0, 0);
        while (true)
        {
            var written = decompressor.Decompress(file.AsSpan(start..end), buffer);
            start += decompressor.Consumed;
            content.Write(buffer, 0, written);
            if (content.Length > 64 << 20)
                throw new CompressionFault("more than any of these files holds");
            if (written > 0)
                continue;
            if (end == file.Length)
                return decompressor.IsComplete && start == end ? content.ToArray() : throw new CompressionFault("it ends too early");
            end = (int)Math.Min((long)end + piece, file.Length);
        }
    }
}
