using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Start and tail of a file (ORC v1, "File Tail").</summary>
/// <param name="root">Types of the columns.</param>
/// <param name="options">How the file is written.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class OrcFrame(OrcType root, OrcWriteOptions options, BufferPool pool) : IFileFrame
{
    private const int HeaderLength = 3;

    // Which program wrote the file is a number out of a list that Nebula is not in; this one stands for others.
    private const int UnknownWriter = int.MaxValue;

    // Writers other than the one in Java start at 6 ("PostScript.writer_version").
    private const int WriterVersion = 6;
    private const int ProlepticGregorian = 2;
    private readonly List<(long Offset, WrittenStripe Stripe)> _stripes = [];

    /// <inheritdoc/>
    public void Begin(IFileOutput output) => output.Write("ORC"u8);

    /// <inheritdoc/>
    public void Add(EncodedBlock block, IFileOutput output)
    {
        _stripes.Add((output.Position, (WrittenStripe)block.Metadata!));
        output.Write(block);
    }

    /// <inheritdoc/>
    public void End(IFileOutput output)
    {
        var contentLength = output.Position;
        using var compressor = new ChunkCompressor(options.Compression, options.CompressionLevel, OrcWriteOptions.CompressionBlockSize, pool);
        var metadataLength = Write(output, compressor, WriteStripeStatistics);
        var footerLength = Write(output, compressor, writer => WriteFooter(writer, contentLength));
        using var postScript = new GrowingBuffer(pool);
        WritePostScript(new ProtobufWriter(postScript), metadataLength, footerLength);
        postScript.Append((byte)postScript.Length);
        output.Write(postScript.Content);
    }

    private int Write(IFileOutput output, ChunkCompressor compressor, Action<ProtobufWriter> write)
    {
        using var message = new GrowingBuffer(pool);
        using var stored = new GrowingBuffer(pool);
        write(new ProtobufWriter(message));
        compressor.Compress(message.Content, stored, null);
        output.Write(stored.Content);
        return stored.Length;
    }

    private void WriteStripeStatistics(ProtobufWriter writer)
    {
        foreach (var (_, stripe) in _stripes)
        {
            var begin = writer.Begin(1);
            foreach (var column in stripe.Statistics)
            {
                var statistics = writer.Begin(1);
                column.Write(writer);
                writer.End(statistics);
            }
            writer.End(begin);
        }
    }

    private void WriteFooter(ProtobufWriter writer, long contentLength)
    {
        writer.UInt64(1, HeaderLength);
        writer.UInt64(2, (ulong)contentLength);
        foreach (var (offset, stripe) in _stripes)
        {
            var begin = writer.Begin(3);
            writer.UInt64(1, (ulong)offset);
            writer.UInt64(2, (ulong)stripe.IndexLength);
            writer.UInt64(3, (ulong)stripe.DataLength);
            writer.UInt64(4, (ulong)stripe.FooterLength);
            writer.UInt64(5, (ulong)stripe.Rows);
            writer.End(begin);
        }
        var types = new List<OrcType>();
        Flatten(root, types);
        foreach (var type in types)
            WriteType(writer, type);
        writer.UInt64(6, (ulong)_stripes.Sum(static stripe => (long)stripe.Stripe.Rows));
        foreach (var type in types)
        {
            var merged = new StatisticsBuilder(type);
            foreach (var (_, stripe) in _stripes)
                merged.Merge(stripe.Statistics[type.Id]);
            var begin = writer.Begin(7);
            merged.Write(writer);
            writer.End(begin);
        }
        writer.UInt64(8, (ulong)options.RowIndexStride);
        writer.UInt64(9, UnknownWriter);
        writer.UInt64(11, ProlepticGregorian);
        writer.Text(12, $"Nebula {typeof(OrcFrame).Assembly.GetName().Version!.ToString(3)}");
    }

    private static void Flatten(OrcType type, List<OrcType> target)
    {
        target.Add(type);
        foreach (var child in type.Children)
            Flatten(child, target);
    }

    private static void WriteType(ProtobufWriter writer, OrcType type)
    {
        var begin = writer.Begin(4);
        writer.UInt64(1, (ulong)type.Kind);
        if (type.IsNested)
        {
            var children = writer.Begin(2);
            foreach (var child in type.Children)
                writer.Packed((ulong)child.Id);
            writer.End(children);
        }
        foreach (var name in type.FieldNames)
            writer.Text(3, name);
        if (type.Kind == OrcTypeKind.Decimal)
        {
            writer.UInt64(5, type.Precision);
            writer.UInt64(6, type.Scale);
        }
        writer.End(begin);
    }

    private void WritePostScript(ProtobufWriter writer, int metadataLength, int footerLength)
    {
        writer.UInt64(1, (ulong)footerLength);
        writer.UInt64(2, (ulong)options.Compression);
        writer.UInt64(3, OrcWriteOptions.CompressionBlockSize);
        var version = writer.Begin(4);
        writer.Packed(0);
        writer.Packed(12);
        writer.End(version);
        writer.UInt64(5, (ulong)metadataLength);
        writer.UInt64(6, WriterVersion);
        writer.Bytes(8000, "ORC"u8);
    }
}
