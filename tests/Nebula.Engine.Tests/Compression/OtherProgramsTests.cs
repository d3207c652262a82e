using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>Files that other programs write, and what they make of ours. A program that is not installed is passed over.</summary>
public sealed class OtherProgramsTests : IDisposable
{
    private const string PythonRead = "import sys,gzip,zlib;d=sys.stdin.buffer.read();w=sys.stdout.buffer.write;";

    private readonly BufferPool _pool = new();

    public static TheoryData<string, string, string> Writers => new()
    {
        { "gzip", "gzip", "-c -1" },
        { "gzip", "gzip", "-c -6" },
        { "gzip", "gzip", "-c -9" },
        { "gzip", "pigz", "-c -p 2 -b 128" },
        { "gzip", "pigz", "-c -i -b 32 -p 2" },
        { "gzip", "pigz", "-c -H -p 2" },
        { "gzip", "python3", Python("w(gzip.compress(d,9))") },
        { "deflate", "pigz", "-c -z" },
        { "deflate", "python3", Python("w(zlib.compress(d,0))") },
        { "deflate", "python3", Python("w(zlib.compress(d,1))") },
        { "deflate", "python3", Python("c=zlib.compressobj(9,8,-15);w(c.compress(d)+c.flush())") },
        { "deflate", "python3", Python("c=zlib.compressobj(6,8,-15,8,zlib.Z_FIXED);w(c.compress(d)+c.flush())") },
        { "deflate", "python3", Python("c=zlib.compressobj(6,8,-15,8,zlib.Z_HUFFMAN_ONLY);w(c.compress(d)+c.flush())") },
        { "deflate", "python3", Python("c=zlib.compressobj(6,8,-15,8,zlib.Z_RLE);w(c.compress(d)+c.flush())") },
        { "deflate", "python3", Python("c=zlib.compressobj(6,8,-9,1);w(c.compress(d)+c.flush())") },
        { "deflate", "python3", Python("c=zlib.compressobj(6,8,-15);"
            + "w(b''.join(c.compress(d[i:i+777])+c.flush(zlib.Z_SYNC_FLUSH) for i in range(0,len(d),777))+c.flush())") },
        { "zstd", "zstd", "-c -1" },
        { "zstd", "zstd", "-c -19" },
        { "zstd", "zstd", "-c --no-check" },
        { "zstd", "zstd", "-c --long=27" },
        { "lz4", "lz4", "-c -1" },
        { "lz4", "lz4", "-c -9 -B4 -BD" },
        { "lz4", "lz4", "-c -1 -B5 -BD -BX" },
        { "lz4", "lz4", "-c -12 -B6" },
        { "lz4", "lz4", "-c -1 -B7 -BI --no-frame-crc" },
        { "brotli", "brotli", "-c" },
        { "brotli", "node", Node("brotliCompressSync") },
    };

    public static TheoryData<string, string, string> Readers => new()
    {
        { "gzip", "gzip", "-dc" },
        { "gzip", "pigz", "-dc" },
        { "gzip", "python3", Python("w(gzip.decompress(d))") },
        { "deflate", "python3", Python("w(zlib.decompress(d))") },
        { "zstd", "zstd", "-dc" },
        { "lz4", "lz4", "-dc" },
        { "brotli", "brotli", "-dc" },
        { "brotli", "node", Node("brotliDecompressSync") },
    };

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    private static string Python(string statements) => $"-c \"{PythonRead}{statements}\"";

    private static string Node(string method) =>
        $"-e \"const c=[];process.stdin.on('data',d=>c.push(d)).on('end',()=>process.stdout.write(require('zlib').{method}(Buffer.concat(c))))\"";

    [Theory, MemberData(nameof(Writers))]
    public void OpenRead_FileOfAnotherProgram_GivesItsContent(string codec, string program, string arguments)
    {
        foreach (var (kind, size) in new[] { ("zeros", 300_000), ("random", 70_000), ("text", 400_000), ("runs", 300_000), ("text", 0), ("text", 1) })
        {
            var content = Samples.Make(kind, size);
            if (Samples.Run(program, arguments, content) is not { } file)
                return;
            var atOnce = Samples.Decompress(CompressionCodecs.ByName(codec), file, _pool);
            Assert.True(content.AsSpan().SequenceEqual(atOnce), $"{size} bytes of {kind}");
            var inPieces = Samples.Decompress(CompressionCodecs.ByName(codec), new TricklingStream(file, 7), _pool, 1000);
            Assert.True(content.AsSpan().SequenceEqual(inPieces), $"{size} bytes of {kind}, in pieces");
        }
    }

    [Theory, MemberData(nameof(Readers))]
    public void Compress_ReadByAnotherProgram_GivesItsContent(string codec, string program, string arguments)
    {
        var (min, max, standard) = CompressionCodecs.ByName(codec).Levels;
        foreach (var level in new[] { min, standard, max }.Distinct())
            foreach (var (kind, size) in new[] { ("zeros", 300_000), ("random", 70_000), ("text", 400_000), ("runs", 300_000), ("text", 0), ("text", 1) })
            {
                var content = Samples.Make(kind, size);
                var file = Samples.Compress(CompressionCodecs.ByName(codec), content, _pool, level, pieceSize: 150_000);
                if (Samples.Run(program, arguments, file) is not { } read)
                    return;
                Assert.True(content.AsSpan().SequenceEqual(read), $"level {level}, {size} bytes of {kind}");
            }
    }

    [Fact]
    public void OpenRead_ZstdWindowTooLarge_SaysWhatToDo()
    {
        if (Samples.Run("zstd", "-c --long=30", Samples.Make("text", 1000)) is not { } file)
            return;
        var error = Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Zstd, file, _pool));
        Assert.Contains("--long=27", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenRead_Lz4Legacy_SaysWhatToDo()
    {
        if (Samples.Run("lz4", "-l -c", Samples.Make("text", 1000)) is not { } file)
            return;
        var error = Assert.Throws<DataFormatException>(() => Samples.Decompress(CompressionCodecs.Lz4, file, _pool));
        Assert.Contains("legacy", error.Message, StringComparison.Ordinal);
    }
}
