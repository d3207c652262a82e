using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Avro;

/// <summary>Avro files in memory.</summary>
internal sealed class AvroMemory(byte[] bytes) : IRandomAccess
{
    public string Name => "test.avro";

    public long Length => bytes.Length;

    public void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > bytes.Length || target.Length > bytes.Length - offset)
            throw new DataFormatException($"{target.Length} bytes are missing behind the end of the file", new SourceLocation(Name, ByteOffset: offset));
        bytes.AsSpan((int)offset, target.Length).CopyTo(target);
    }

    public void Dispose()
    {
    }

    public static OptionValues ReadOptions(string? schemaPath = null) => new("source \"avro\"", new AvroFormat().ReadOptions,
        schemaPath is null ? [] : [new("schema", new OptionValue([schemaPath], new SourceLocation("test")))]);

    public static OptionValues WriteOptions(params (string Name, string Value)[] values) => new("target \"avro\"",
        [
            .. new AvroFormat().WriteOptions,
            new("compression", OptionKind.Choice, "", "snappy") { Choices = new AvroFormat().OwnCodecs! },
            new("compression_level", OptionKind.Integer, ""),
        ],
        values.Select(static value => new KeyValuePair<string, OptionValue>(value.Name, new OptionValue([value.Value], new SourceLocation("test")))));

    /// <summary>Writes batches of one schema as a file.</summary>
    public static byte[] Write(BufferPool pool, Schema schema, OptionValues options, params ReadOnlySpan<RecordBatch> batches)
    {
        var encoder = new AvroFormat().CreateEncoder(schema, options, pool);
        using var output = new MemoryOutput();
        var frame = encoder.CreateFrame();
        frame.Begin(output);
        foreach (var batch in batches)
            using (var block = encoder.Encode(batch))
                frame.Add(block, output);
        frame.End(output);
        return output.Bytes;
    }

    /// <summary>Reads the columns named of a file; all when none are.</summary>
    public static List<RecordBatch> Read(BufferPool pool, byte[] file, string[]? columns = null, int blockSize = 256 << 10, string? schemaPath = null,
        int maxRecordSize = BufferPool.MaxCapacity)
    {
        using var opened = new AvroFormat().Open(new AvroMemory(file), ReadOptions(schemaPath), pool);
        var wanted = columns is null ? Enumerable.Range(0, opened.Schema.Fields.Length) : columns.Select(opened.Schema.IndexOf);
        using var reader = opened.OpenReader([.. wanted], 0, null, new ReadContext(pool, blockSize) { MaxRecordSize = maxRecordSize });
        return Drain(reader);
    }

    public static List<RecordBatch> Drain(IContainerReader reader)
    {
        var sink = new Sink();
        try
        {
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, sink);
            return sink.Batches;
        }
        catch
        {
            sink.Batches.ForEach(static batch => batch.Dispose());
            throw;
        }
    }

    private sealed class Sink : IDecodeSink
    {
        public List<RecordBatch> Batches { get; } = [];

        public void Add(RecordBatch batch) => Batches.Add(batch);

        public void Reject(RejectedRow row) => throw new DataFormatException(row.Reason, row.Location);

        public void Lines(long count)
        {
        }
    }
}
