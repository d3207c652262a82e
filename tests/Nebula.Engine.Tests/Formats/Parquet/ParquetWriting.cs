using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Parquet;

/// <summary>A file that was written, and what its footer says.</summary>
internal sealed class ParquetWriting
{
    private ParquetWriting(byte[] bytes)
    {
        Bytes = bytes;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 8));
        Footer = FileMetadataReader.Read(bytes.AsMemory(bytes.Length - 8 - length, length));
    }

    public byte[] Bytes { get; }

    public FileMetadata Footer { get; }

    public static ParquetWriting Of(BufferPool pool, DataType type, object?[] values, params (string Key, string Value)[] options) =>
        Of(pool, new Schema([new Field("c", type)]), [Json.TestColumns.Make(pool, type, values)], options);

    public static ParquetWriting Of(BufferPool pool, Schema schema, Column[] columns, params (string Key, string Value)[] options)
    {
        var encoder = Encoder(pool, schema, options);
        using var batch = new RecordBatch(schema, [.. columns], columns[0].Length);
        using var block = encoder.Encode(batch);
        using var output = MemoryOutput.Of(encoder, block);
        return new ParquetWriting(output.Bytes);
    }

    public static IBlockEncoder Encoder(BufferPool pool, Schema schema, params (string Key, string Value)[] options)
    {
        var format = new ParquetFormat();
        OptionDescriptor[] all =
        [
            new("compression", OptionKind.Choice, "", "snappy") { Choices = format.OwnCodecs! },
            new("compression_level", OptionKind.Integer, ""),
            .. format.WriteOptions,
        ];
        var values = options.GroupBy(static option => option.Key).Select(static group =>
            KeyValuePair.Create(group.Key, new OptionValue([.. group.Select(static option => option.Value)], new SourceLocation("pipeline.yaml"))));
        return format.CreateEncoder(schema, new OptionValues("parquet", all, values), pool);
    }

    public ColumnMetadata Chunk(int leaf = 0) => Footer.RowGroups[0].Columns[leaf].Metadata!;

    public ColumnStatistics Statistics(int leaf = 0) => Chunk(leaf).Statistics!;

    public ColumnIndex? ColumnIndex(int leaf = 0)
    {
        var chunk = Footer.RowGroups[0].Columns[leaf];
        return chunk.ColumnIndexOffset is { } offset ? PageIndexReader.ReadColumnIndex(Bytes.AsMemory((int)offset, chunk.ColumnIndexLength!.Value)) : null;
    }

    public OffsetIndex OffsetIndex(int leaf = 0)
    {
        var chunk = Footer.RowGroups[0].Columns[leaf];
        return PageIndexReader.ReadOffsetIndex(Bytes.AsMemory((int)chunk.OffsetIndexOffset!.Value, chunk.OffsetIndexLength!.Value));
    }
}
