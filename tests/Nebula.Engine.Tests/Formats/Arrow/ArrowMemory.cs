using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Arrow;

/// <summary>Writes and reads files in memory.</summary>
internal static class ArrowMemory
{
    private static readonly ArrowFormat Format = new();

    private static readonly IReadOnlyList<OptionDescriptor> WriteOptions =
    [
        new("compression", OptionKind.Choice, "", "none") { Choices = Format.OwnCodecs! }, new("compression_level", OptionKind.Integer, ""),
            .. Format.WriteOptions,
    ];

    public static OptionValues Options(params ReadOnlySpan<(string Name, string Value)> options)
    {
        var values = new List<KeyValuePair<string, OptionValue>>();
        foreach (var (name, value) in options)
            values.Add(new(name, new OptionValue([value], new SourceLocation("test"))));
        return new OptionValues("destination \"arrow\"", WriteOptions, values);
    }

    public static IBlockEncoder Encoder(Schema schema, BufferPool pool, params ReadOnlySpan<(string Name, string Value)> options) =>
        Format.CreateEncoder(schema, Options(options), pool);

    public static byte[] Write(Schema schema, BufferPool pool, IEnumerable<RecordBatch> batches, params ReadOnlySpan<(string Name, string Value)> options)
    {
        return Write(Encoder(schema, pool, options), batches);
    }

    public static byte[] Write(IBlockEncoder encoder, IEnumerable<RecordBatch> batches)
    {
        using var output = new MemoryOutput();
        var frame = encoder.CreateFrame();
        frame.Begin(output);
        foreach (var batch in batches)
            using (var block = encoder.Encode(batch))
                frame.Add(block, output);
        frame.End(output);
        return output.Bytes;
    }

    public static IContainerFile Open(byte[] file, BufferPool pool) => Format.Open(new ArrayBytes(file), new OptionValues("arrow", Format.ReadOptions, []),
        pool);

    /// <summary>Reads all rows; the caller disposes of the batches.</summary>
    public static List<RecordBatch> Read(byte[] file, BufferPool pool, int blockSize = 1 << 20, ImmutableArray<int>? columns = null, int firstPart = 0,
        int? parts = null, int maxRecordSize = 64 << 20)
    {
        using var opened = Open(file, pool);
        using var reader = opened.OpenReader(columns ?? [.. Enumerable.Range(0, opened.Schema.Fields.Length)], firstPart, parts,
            new ReadContext(pool, blockSize) { MaxRecordSize = maxRecordSize });
        var sink = new Batches();
        try
        {
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            return sink.Items;
        }
        catch
        {
            foreach (var batch in sink.Items)
                batch.Dispose();
            throw;
        }
    }

    /// <summary>Reads all rows into one batch.</summary>
    public static RecordBatch ReadAll(byte[] file, BufferPool pool, int blockSize = 1 << 20)
    {
        Schema schema;
        using (var opened = Open(file, pool))
            schema = opened.Schema;
        using var builder = new RecordBatchBuilder(pool, schema);
        foreach (var batch in Read(file, pool, blockSize))
            using (batch)
                builder.AppendRange(batch, 0, batch.Length);
        return builder.Build();
    }

    private sealed class Batches : IDecodeSink
    {
        public List<RecordBatch> Items { get; } = [];

        public void Add(RecordBatch batch) => Items.Add(batch);

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }

    private sealed class ArrayBytes(byte[] bytes) : IRandomAccess
    {
        public string Name => "test.arrow";

        public long Length => bytes.Length;

        public void Read(long offset, Span<byte> target)
        {
            Assert.True(offset >= 0 && offset + target.Length <= bytes.Length, "read outside of the file");
            bytes.AsSpan((int)offset, target.Length).CopyTo(target);
        }

        public void Dispose()
        {
        }
    }
}
