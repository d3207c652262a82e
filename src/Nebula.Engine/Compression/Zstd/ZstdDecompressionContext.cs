using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>A decoding context of libzstd and its memory. Can be used for many frames, one after the other. Not thread-safe.</summary>
internal sealed unsafe class ZstdDecompressionContext : IDisposable
{
    // 128 MB: what the zstd program itself accepts unless told otherwise.
    private const int LargestWindowLog = 27;
    private readonly ZstdMemory _memory;
    private nint _context;

    /// <summary>Makes a context.</summary>
    /// <param name="pool">Where its memory comes from.</param>
    /// <exception cref="NebulaException">libzstd is missing.</exception>
    public ZstdDecompressionContext(BufferPool pool)
    {
        ZstdNative.Require();
        _memory = new ZstdMemory(pool);
        _context = ZstdNative.CreateDCtx(_memory.Allocator);
        if (_context == 0)
        {
            _memory.Dispose();
            throw new NebulaException(ErrorKind.Limit, "There is no memory left for a zstd context. Lower the parallelism or raise the memory limit.");
        }
        ZstdNative.SetDecompression(_context, ZstdNative.WindowLogMax, LargestWindowLog);
    }

    /// <summary>Decodes as much as input and output allow.</summary>
    /// <param name="input">Compressed bytes.</param>
    /// <param name="output">Where content goes.</param>
    /// <param name="consumed">Bytes of <paramref name="input"/> used.</param>
    /// <param name="written">Bytes of <paramref name="output"/> written.</param>
    /// <returns>Whether a frame ended here and all of it is written.</returns>
    /// <exception cref="CompressionFault">The data is corrupt or its window too large.</exception>
    public bool Decompress(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        fixed (byte* source = input)
        fixed (byte* target = output)
        {
            var from = new ZstdNative.Buffer { Start = source, Size = (nuint)input.Length };
            var to = new ZstdNative.Buffer { Start = target, Size = (nuint)output.Length };
            var result = ZstdNative.DecompressStream(_context, ref to, ref from);
            consumed = (int)from.Position;
            written = (int)to.Position;
            return ZstdNative.ErrorOf(result) is { } error ? throw Fault(error, consumed) : result == 0;
        }
    }

    /// <summary>Decodes whole frames into a target that is large enough.</summary>
    /// <param name="source">One or more frames.</param>
    /// <param name="target">Where their content goes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DataFormatException">The data is corrupt, incomplete, or longer than <paramref name="target"/>.</exception>
    public int Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* from = source)
        fixed (byte* to = target)
        {
            // libzstd wants an address even where nothing is to be written.
            byte nothing = 0;
            var result = ZstdNative.Decompress(_context, to is null ? &nothing : to, (nuint)target.Length, from, (nuint)source.Length);
            return ZstdNative.ErrorOf(result) is not { } error ? (int)result
                : error.Contains("buffer is too small", StringComparison.Ordinal)
                ? throw new CompressionFault($"it holds more than the {target.Length} bytes announced").ToDataFormatException("zstd", 0)
                : throw Fault(error, 0).ToDataFormatException("zstd", 0);
        }
    }

    public void Dispose()
    {
        if (_context == 0)
            return;
        ZstdNative.FreeDCtx(_context);
        _context = 0;
        _memory.Dispose();
    }

    /// <summary>Explains an error of libzstd, which tells it only as text.</summary>
    private static CompressionFault Fault(string error, int offset)
    {
        if (error.Contains("too much memory", StringComparison.Ordinal))
            return new CompressionFault($"its window is larger than {1 << (LargestWindowLog - 20)} MB", offset,
                $"Compress it again without --long or --ultra, or with --long={LargestWindowLog} at most.");
        if (error.Contains("Unknown frame descriptor", StringComparison.Ordinal))
            return new CompressionFault("a zstd frame is expected here, but the bytes are not one", offset);
        if (error.Contains("Dictionary mismatch", StringComparison.Ordinal))
            return new CompressionFault("it was compressed with a dictionary, which is not in the file", offset, "Compress it again without a dictionary.");
        return new CompressionFault($"libzstd reports '{error}'", offset);
    }
}
