using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>What the footer says of a stripe.</summary>
/// <param name="IndexLength">Bytes of its indexes.</param>
/// <param name="DataLength">Bytes of its data.</param>
/// <param name="FooterLength">Bytes of its footer.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Statistics">Statistics per column.</param>
internal sealed record WrittenStripe(int IndexLength, int DataLength, int FooterLength, int Rows, StatisticsBuilder[] Statistics);

/// <summary>Turns rows into stripes.</summary>
internal sealed class OrcEncoder : IBlockEncoder
{
    private readonly OrcType _root;
    private readonly OrcWriteOptions _options;
    private readonly BufferPool _pool;
    private readonly HashSet<int> _bloomFilters;

    /// <summary>Makes the encoder of a stream.</summary>
    /// <exception cref="NebulaException">A bloom filter is asked for where there is none.</exception>
    public OrcEncoder(Schema schema, OrcWriteOptions options, BufferPool pool)
    {
        _root = OrcTypes.TreeOf(schema);
        _options = options;
        _pool = pool;
        _bloomFilters = [.. options.BloomFilterColumns.Select(name => FindBloomFilterColumn(schema, name))];
        Target = new RowTarget(options.RowIndexStride * OrcWriteOptions.GroupsPerStripe, options.StripeSize);
    }

    /// <inheritdoc/>
    public RowTarget? Target { get; }

    /// <inheritdoc/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        DecimalDigits.Require(batch);
        using var compressor = CreateCompressor();
        using var stripe = new StripeWriter(compressor, _bloomFilters, _options.RowIndexStride, _pool);
        stripe.Write(batch, _root);
        using var index = new GrowingBuffer(_pool);
        using var footer = new GrowingBuffer(_pool);
        WriteIndexAndFooter(stripe, compressor, index, footer);
        var length = checked(index.Length + stripe.Data.Length + footer.Length);
        var buffer = _pool.Rent(length);
        buffer.Length = length;
        index.Content.CopyTo(buffer.Span);
        stripe.Data.CopyTo(buffer.Span[index.Length..]);
        footer.Content.CopyTo(buffer.Span[(index.Length + stripe.Data.Length)..]);
        return new EncodedBlock(buffer, batch.Length)
        {
            Metadata = new WrittenStripe(index.Length, stripe.Data.Length, footer.Length, batch.Length, [.. stripe.Columns.Select(MergeStatistics)]),
        };
    }

    /// <inheritdoc/>
    public IFileFrame CreateFrame() => new OrcFrame(_root, _options, _pool);

    private ChunkCompressor CreateCompressor() => new(_options.Compression, _options.CompressionLevel, OrcWriteOptions.CompressionBlockSize, _pool);

    private int FindBloomFilterColumn(Schema schema, string name)
    {
        var position = schema.IndexOf(name);
        if (position < 0)
            throw NebulaException.Configuration($"Option '{OrcOptions.BloomFilter}' names the column '{name}', which is not written."
                + Suggestion.For(name, schema.Fields.Select(static field => field.Name)));
        var type = _root.Children[position];
        return type.Kind is OrcTypeKind.Boolean or OrcTypeKind.Decimal or OrcTypeKind.Binary or OrcTypeKind.List or OrcTypeKind.Map or OrcTypeKind.Struct
            ? throw NebulaException.Configuration(
                $"Option '{OrcOptions.BloomFilter}' names the column '{name}' of type {type}, for which there are no such filters. Leave it out.")
            : type.Id;
    }

    private static StatisticsBuilder MergeStatistics(ColumnOutput column)
    {
        var merged = new StatisticsBuilder(column.Type);
        foreach (var group in column.Statistics)
            merged.Merge(group);
        merged.CountBytes(column.Streams.Sum(static stream => (long)stream.StoredLength));
        return merged;
    }

    private static void WriteIndexAndFooter(StripeWriter stripe, ChunkCompressor compressor, GrowingBuffer index, GrowingBuffer footer)
    {
        var message = stripe.Content;
        var streams = new List<(StreamKind Kind, int Column, int Length)>();
        foreach (var column in stripe.Columns)
        {
            streams.Add((StreamKind.RowIndex, column.Type.Id, Append(message, compressor, index, writer => WriteRowIndex(column, compressor, writer))));
            if (column.BloomFilters.Length > 0)
                streams.Add((StreamKind.BloomFilterUtf8, column.Type.Id, Append(message, compressor, index, writer => WriteBloomFilters(column, writer))));
        }
        foreach (var column in stripe.Columns)
            foreach (var stream in column.Streams)
                streams.Add((stream.Kind, column.Type.Id, stream.StoredLength));
        Append(message, compressor, footer, writer =>
        {
            foreach (var (kind, column, length) in streams)
            {
                var begin = writer.Begin(1);
                writer.UInt64(1, (ulong)kind);
                writer.UInt64(2, (ulong)column);
                writer.UInt64(3, (ulong)length);
                writer.End(begin);
            }
            foreach (var column in stripe.Columns)
            {
                var begin = writer.Begin(2);
                writer.UInt64(1, (ulong)column.Encoding.Kind);
                if (column.Encoding.HasDictionary)
                    writer.UInt64(2, column.Encoding.DictionarySize);
                if (column.BloomFilters.Length > 0)
                    writer.UInt64(3, BloomFilter.Encoding);
                writer.End(begin);
            }
            writer.Text(3, "UTC");
        });
    }

    /// <summary>Writes a message and appends it as chunks.</summary>
    private static int Append(GrowingBuffer message, ChunkCompressor compressor, GrowingBuffer target, Action<ProtobufWriter> write)
    {
        message.Clear();
        write(new ProtobufWriter(message));
        var before = target.Length;
        compressor.Compress(message.Content, target, null);
        return target.Length - before;
    }

    private static void WriteRowIndex(ColumnOutput column, ChunkCompressor compressor, ProtobufWriter writer)
    {
        for (var group = 0; group < column.Statistics.Length; group++)
        {
            var entry = writer.Begin(1);
            var positions = writer.Begin(1);
            foreach (var stream in column.Streams)
                if (stream.HasPositions)
                    stream.WritePosition(group, compressor, writer);
            writer.End(positions);
            var statistics = writer.Begin(2);
            column.Statistics[group].Write(writer);
            writer.End(statistics);
            writer.End(entry);
        }
    }

    private static void WriteBloomFilters(ColumnOutput column, ProtobufWriter writer)
    {
        foreach (var filter in column.BloomFilters)
        {
            var begin = writer.Begin(1);
            filter.Write(writer);
            writer.End(begin);
        }
    }
}
