using System.Diagnostics;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Compression;

/// <summary>Content to compress, and the two ways through a codec.</summary>
internal static class Samples
{
    public static byte[] Make(string kind, int size, int seed = 1)
    {
        var random = new Random(seed);
        var data = new byte[size];
        switch (kind)
        {
            case "zeros":
                break;
            case "random":
                random.NextBytes(data);
                break;
            case "text":
                var text = new StringBuilder(size + 100);
                while (text.Length < size)
                    text.Append(random.Next(1_000_000)).Append(",user").Append(random.Next(5000)).Append("@example.com,")
                        .Append(random.NextDouble()).Append(",true\n");
                Encoding.ASCII.GetBytes(text.ToString().AsSpan(0, size), data);
                break;
            case "runs":
                // Short periods of every length: matches that overlap themselves.
                for (var i = 0; i < size;)
                {
                    var period = random.Next(1, 70);
                    var end = Math.Min(size, i + random.Next(1, 700));
                    for (var start = i; i < end; i++)
                        data[i] = i - start < period ? (byte)random.Next(256) : data[i - period];
                }
                break;
            default:
                throw new ArgumentException(kind);
        }
        return data;
    }

    public static byte[] Compress(CompressionCodec codec, byte[] content, BufferPool pool, int? level = null, int pieceSize = 300_000)
    {
        using var compressor = codec.CreateCompressor(level);
        var result = new List<byte>();
        for (var i = 0; i < content.Length; i += pieceSize)
        {
            using var part = compressor.Compress(content.AsSpan(i, Math.Min(pieceSize, content.Length - i)), pool);
            result.AddRange(part.Content);
        }
        using var last = compressor.Finish(pool);
        result.AddRange(last.Content);
        return [.. result];
    }

    public static byte[] Decompress(CompressionCodec codec, byte[] compressed, BufferPool pool, int bufferSize = 65536) =>
        Decompress(codec, new MemoryStream(compressed), pool, bufferSize);

    /// <summary>The message of the error that a file must cause.</summary>
    public static string Refusal(CompressionCodec codec, byte[] file, BufferPool pool) =>
        Assert.Throws<DataFormatException>(() => Decompress(codec, file, pool)).Message;

    public static byte[] Decompress(CompressionCodec codec, Stream compressed, BufferPool pool, int bufferSize = 65536)
    {
        using var stream = codec.OpenRead(compressed, "sample", leaveOpen: false, pool);
        var result = new MemoryStream();
        var buffer = new byte[bufferSize];
        int read;
        while ((read = stream.Read(buffer.AsSpan())) > 0)
            result.Write(buffer, 0, read);
        return result.ToArray();
    }

    /// <summary>Runs another program over bytes; null when it is not installed.</summary>
    public static byte[]? Run(string program, string arguments, byte[] input)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync();
            var feed = Task.Run(() =>
            {
                using var target = process.StandardInput.BaseStream;
                target.Write(input);
            });
            var output = new MemoryStream();
            process.StandardOutput.BaseStream.CopyTo(output);
            feed.Wait();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program} {arguments}: {errors.Result}");
            return output.ToArray();
        }
    }
}

/// <summary>A stream that gives as little as it may: one byte per read, or whatever a seed says.</summary>
internal sealed class TricklingStream(byte[] data, int? seed = null) : Stream
{
    private readonly Random? _random = seed is { } s ? new Random(s) : null;
    private int _position;

    public bool IsDisposed { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        var count = Math.Min(Math.Min(_random?.Next(1, 5000) ?? 1, buffer.Length), data.Length - _position);
        data.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return Read(buffer.Span);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
