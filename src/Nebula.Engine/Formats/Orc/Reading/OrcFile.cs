using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>An open file: its tail is read and checked (ORC v1, "File Tail").</summary>
internal sealed class OrcFile : IContainerFile
{
    private const int TailGuess = 16 << 10;

    // A stripe of so many rows per byte can come from no encoder; a claim of more would only keep the reader counting.
    private const int MostRowsPerByte = 1 << 20;
    private readonly IRandomAccess _bytes;
    private readonly BufferPool _pool;
    private readonly OptionValues _options;
    private readonly long _postScriptOffset;

    /// <summary>Reads and checks the tail of a file.</summary>
    /// <exception cref="DataFormatException">The file is no ORC file, is corrupt, encrypted, or uses what is not supported.</exception>
    public OrcFile(IRandomAccess bytes, OptionValues options, BufferPool pool)
    {
        _bytes = bytes;
        _pool = pool;
        _options = options;
        try
        {
            (PostScript, _postScriptOffset) = ReadPostScript();
            Footer = ReadFooter();
            if (Footer.IsEncrypted)
                throw new OrcFault("columns of the file are encrypted, and the values that others may see are masked",
                    "Have the file written without encryption.");
            CheckStripes();
            Schema = OrcSchema.Of(Footer.Root, UnitOf);
        }
        catch (OrcFault fault)
        {
            bytes.Dispose();
            throw fault.ToDataFormatException(bytes.Name, -1);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
        Parts = [.. Footer.Stripes.Select(static stripe => new ContainerPart(stripe.Offset, stripe.Length, stripe.Rows))];
        Rows = Footer.Stripes.Sum(static stripe => stripe.Rows);
    }

    /// <inheritdoc/>
    public Schema Schema { get; }

    /// <inheritdoc/>
    public long? Rows { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ContainerPart> Parts { get; }

    /// <summary>How the file is compressed.</summary>
    public PostScript PostScript { get; }

    /// <summary>The file's layout and types.</summary>
    public FileFooter Footer { get; }

    /// <summary>The file's bytes.</summary>
    public IRandomAccess Bytes => _bytes;

    /// <summary>Whether stripes may be cut by means of their indexes.</summary>
    public bool UsesRowIndex => _options.Flag(OrcOptions.UseRowIndex) ?? true;

    /// <inheritdoc/>
    public FileInspection Inspect() => OrcInspection.Of(this, _pool);

    /// <inheritdoc/>
    public IContainerReader OpenReader(ImmutableArray<int> columns, int firstPart, int? partCount, ReadContext context) =>
        new OrcReader(this, columns, firstPart, partCount ?? Footer.Stripes.Length - firstPart, context);

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    /// <summary>Reads the statistics of all stripes; null when the file has none.</summary>
    /// <param name="pool">Where buffers come from.</param>
    public List<List<ColumnStatistics>> ReadStripeStatistics(BufferPool pool)
    {
        var stripes = new List<List<ColumnStatistics>>();
        if (PostScript.MetadataLength == 0)
            return stripes;
        using var content = ReadMetadata(pool, _postScriptOffset - PostScript.FooterLength - PostScript.MetadataLength, PostScript.MetadataLength,
            "stripe statistics");
        var reader = new ProtobufReader(content.Content);
        while (reader.Next())
            if (reader.Field == 1)
            {
                var columns = new List<ColumnStatistics>();
                var stripe = new ProtobufReader(reader.Bytes());
                while (stripe.Next())
                    if (stripe.Field == 1)
                        columns.Add(ColumnStatistics.Parse(stripe.Bytes()));
                    else
                        stripe.Skip();
                stripes.Add(columns);
            }
            else
                reader.Skip();
        return stripes;
    }

    /// <summary>Reads and decompresses a message.</summary>
    /// <param name="pool">Where the result comes from.</param>
    /// <param name="offset">Its first byte in the file.</param>
    /// <param name="length">Its bytes as stored.</param>
    /// <param name="what">What it is, for messages.</param>
    public PooledBuffer ReadMetadata(BufferPool pool, long offset, long length, string what)
    {
        if (offset < 0 || length < 0 || length > _bytes.Length || offset > _bytes.Length - length)
            throw new OrcFault($"the {what} claims {length} bytes at byte {offset}, but the file has {_bytes.Length}");
        if (length > BufferPool.MaxCapacity)
            throw new OrcFault($"the {what} has {length} bytes, more than can be read at once");
        var stored = pool.Rent((int)length);
        stored.Length = (int)length;
        try
        {
            _bytes.Read(offset, stored.Content);
            if (PostScript.Compression == OrcCompression.None)
                return stored;
            using var buffer = new GrowingBuffer(pool);
            using (var decompressor = new ChunkDecompressor(PostScript.Compression, PostScript.CompressionBlockSize, pool))
                Decompress(stored.Content, decompressor, buffer, what);
            stored.Dispose();
            return buffer.Detach();
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    private static void Decompress(ReadOnlySpan<byte> stored, ChunkDecompressor decompressor, GrowingBuffer target, string what)
    {
        while (!stored.IsEmpty)
        {
            if (stored.Length < ChunkDecompressor.HeaderLength)
                throw new OrcFault($"the {what} ends within the header of a compressed chunk");
            var length = ChunkDecompressor.ParseHeader(stored, out var isOriginal);
            stored = stored[ChunkDecompressor.HeaderLength..];
            if (length > stored.Length)
                throw new OrcFault($"a compressed chunk of the {what} claims {length} bytes, but {stored.Length} are left");
            var content = isOriginal ? stored[..length] : decompressor.Decompress(stored[..length]);
            content.CopyTo(target.Extend(content.Length));
            stored = stored[length..];
        }
    }

    private (PostScript PostScript, long Offset) ReadPostScript()
    {
        if (_bytes.Length < 4)
            throw new OrcFault($"the file has {_bytes.Length} bytes, too few for an ORC file", "Check that the file is ORC and complete.");
        var length = (int)Math.Min(_bytes.Length, TailGuess);
        using var tail = _pool.Rent(length);
        _bytes.Read(_bytes.Length - length, tail.Span[..length]);
        int postScriptLength = tail.Span[length - 1];
        if (postScriptLength + 1 > length)
            throw new OrcFault($"the last byte claims a postscript of {postScriptLength} bytes, which the file does not have",
                "Check that the file is ORC and complete.");
        var postScript = PostScript.Parse(tail.Span.Slice(length - 1 - postScriptLength, postScriptLength));
        if (!postScript.HasMagic)
        {
            _bytes.Read(0, tail.Span[..3]);
            if (!tail.Span.StartsWith("ORC"u8))
                throw new OrcFault("neither its start nor its end says that this is an ORC file", "Check that the file is ORC and complete.");
        }
        return (postScript, _bytes.Length - 1 - postScriptLength);
    }

    private FileFooter ReadFooter()
    {
        try
        {
            using var content = ReadMetadata(_pool, _postScriptOffset - PostScript.FooterLength, PostScript.FooterLength, "footer");
            return FileFooter.Parse(content.Content);
        }
        catch (OrcFault fault) when (!PostScript.HasMagic)
        {
            throw new OrcFault(fault.Message,
                "The file starts like ORC, but its postscript does not name the format: it is damaged, or DWRF, which is not supported.", fault);
        }
    }

    private void CheckStripes()
    {
        var rows = 0L;
        foreach (var stripe in Footer.Stripes)
        {
            if (stripe.Offset > _postScriptOffset || stripe.IndexLength > _postScriptOffset || stripe.DataLength > _postScriptOffset
                || stripe.FooterLength > _postScriptOffset
                || stripe.Length > _postScriptOffset - stripe.Offset)
                throw new OrcFault($"a stripe claims {stripe.IndexLength} + {stripe.DataLength} + {stripe.FooterLength} bytes at byte {stripe.Offset}, "
                    + $"but the file has {_bytes.Length}");
            if (stripe.Rows > stripe.Length * MostRowsPerByte || stripe.Rows > long.MaxValue - rows)
                throw new OrcFault($"a stripe of {stripe.Length} bytes claims {stripe.Rows} rows");
            rows += stripe.Rows;
        }
    }

    /// <summary>Files hold seconds and nanoseconds apart. What fits neither unit as a whole is refused value by value.</summary>
    private TimeUnit UnitOf(OrcType type)
    {
        switch (_options.Text(OrcOptions.TimestampUnit))
        {
            case "us":
                return TimeUnit.Microsecond;
            case "ns":
                return TimeUnit.Nanosecond;
        }
        const long least = long.MinValue / 1_000_000 - 1;
        const long greatest = long.MaxValue / 1_000_000;
        var statistics = type.Id < Footer.Statistics.Length ? Footer.Statistics[type.Id] : null;
        return statistics?.MinimumMilliseconds < least || statistics?.MaximumMilliseconds > greatest ? TimeUnit.Microsecond : TimeUnit.Nanosecond;
    }
}
