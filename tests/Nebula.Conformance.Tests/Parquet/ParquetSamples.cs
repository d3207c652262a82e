using System.Text;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>A file to be written.</summary>
/// <param name="Name">Its name without ending.</param>
/// <param name="Schema">Its columns.</param>
/// <param name="Batches">Its row groups. Owned.</param>
/// <param name="Options">What the user sets.</param>
internal sealed record ParquetSample(string Name, Schema Schema, IReadOnlyList<RecordBatch> Batches, params (string Key, string Value)[] Options) : IDisposable
{
    /// <summary>Writes it.</summary>
    public byte[] Write(BufferPool pool)
    {
        var encoder = ParquetSamples.Encoder(Schema, pool, Options);
        using var output = new MemoryFile();
        var frame = encoder.CreateFrame();
        frame.Begin(output);
        foreach (var batch in Batches)
            using (var block = encoder.Encode(batch))
                frame.Add(block, output);
        frame.End(output);
        return output.ToArray();
    }

    /// <summary>Its rows by the rules of the fixtures.</summary>
    public List<string> Rows()
    {
        var rows = new List<string>();
        var text = new StringBuilder();
        foreach (var batch in Batches)
            for (var row = 0; row < batch.Length; row++)
            {
                FixtureRows.Render(text.Clear(), Schema, batch.Columns, row);
                rows.Add(text.ToString());
            }
        return rows;
    }

    public void Dispose()
    {
        foreach (var batch in Batches)
            batch.Dispose();
    }

    private sealed class MemoryFile : MemoryStream, IFileOutput
    {
        void IFileOutput.Write(ReadOnlySpan<byte> bytes) => Write(bytes);

        void IFileOutput.Write(EncodedBlock block) => Write(block.Buffer.Content);
    }
}

/// <summary>Files of all types in all forms.</summary>
internal static class ParquetSamples
{
    private static readonly string[] Codecs = [.. ParquetWriteOptions.Codecs];
    private static readonly double[] NullShares = [0, 0.2, 1];

    /// <summary>Makes an encoder as a destination does.</summary>
    public static IBlockEncoder Encoder(Schema schema, BufferPool pool, params (string Key, string Value)[] options)
    {
        var format = new ParquetFormat();
        OptionDescriptor[] all =
        [
            new("compression", OptionKind.Choice, "", "snappy") { Choices = format.OwnCodecs! },
            new("compression_level", OptionKind.Integer, ""),
            .. format.WriteOptions,
        ];
        var values = options.GroupBy(static option => option.Key).Select(static group =>
            KeyValuePair.Create(group.Key, new OptionValue([.. group.Select(static option => option.Value)], new SourceLocation("test"))));
        return format.CreateEncoder(schema, new OptionValues("parquet", all, values), pool);
    }

    /// <summary>One file per type: each style with no, some and only nulls, in row groups of unequal size.</summary>
    public static IEnumerable<ParquetSample> Types(BufferPool pool, IReadOnlyList<DataType> types, int rows, Random random)
    {
        for (var t = 0; t < types.Count; t++)
        {
            var type = types[t];
            var columns = Enum.GetValues<SampleStyle>().SelectMany(static style => NullShares.Select(nulls => (Style: style, Nulls: nulls))).ToArray();
            var schema = new Schema(columns.Select(column => new Field($"{column.Style}_{column.Nulls * 100}", type, nullable: column.Nulls > 0)));
            yield return new ParquetSample($"{t:00}-{type.Kind}", schema, [Batch(rows), Batch(1), Batch(rows / 3)], ("compression", Codecs[t % Codecs.Length]));

            RecordBatch Batch(int count) =>
                new(schema, [.. columns.Select(column => SampleColumns.Create(pool, type, count, column.Nulls, column.Style, random))], count);
        }
    }

    /// <summary>Types mixed, once per codec, once without delta encodings, with everything optional on.</summary>
    public static IEnumerable<ParquetSample> Settings(BufferPool pool, Random random)
    {
        DataType[] types = [DataType.Int64, DataType.Float64, DataType.String, DataType.Date, DataType.Decimal(12, 2), DataType.List(DataType.String)];
        var schema = new Schema(types.Select((type, i) => new Field($"c{i}", type)));
        foreach (var codec in Codecs)
            yield return Mixed($"codec-{codec}", 30_000, ("compression", codec));
        yield return Mixed("plain", 5_000, ("delta_encodings", "false"), ("page_checksums", "false"));
        yield return Mixed("level", 5_000, ("compression", "zstd"), ("compression_level", "9"));
        yield return Mixed("notes", 5_000, ("bloom_filter", "c0"), ("bloom_filter", "c2"), ("bloom_filter", "c5.list.element"),
            ("sorted_by", "c1 desc nulls first"), ("metadata", "a=b=c"));
        yield return Mixed("one-row", 1);

        ParquetSample Mixed(string name, int rows, params (string Key, string Value)[] options)
        {
            var columns = types.Select((type, i) => SampleColumns.Create(pool, type, rows, 0.1, (SampleStyle)(i % 7), random));
            return new ParquetSample(name, schema, [new RecordBatch(schema, [.. columns], rows)], options);
        }
    }

    /// <summary>Files at the edges: no rows, many columns, giant values.</summary>
    public static IEnumerable<ParquetSample> Edges(BufferPool pool, Random random)
    {
        var flat = new Schema([new Field("a", DataType.Int32), new Field("b", DataType.List(DataType.String))]);
        yield return new ParquetSample("no-row-group", flat, []);
        var wide = new Schema(Enumerable.Range(0, 3_000).Select(static i => new Field($"column {i}", i % 2 == 0 ? DataType.Int32 : DataType.String)));
        var columns = wide.Fields.Select(field => SampleColumns.Create(pool, field.Type, 7, 0.2, SampleStyle.Few, random));
        yield return new ParquetSample("3000-columns", wide, [new RecordBatch(wide, [.. columns], 7)]);
        yield return Giants(pool);
        yield return Dictionaries(pool, random);
    }

    /// <summary>Values larger than a page, next to small ones.</summary>
    private static ParquetSample Giants(BufferPool pool)
    {
        var schema = new Schema([new Field("text", DataType.String), new Field("list", DataType.List(DataType.Int64))]);
        using var builder = new RecordBatchBuilder(pool, schema);
        for (var i = 0; i < 60; i++)
        {
            builder.Columns[0].AppendBytes(Encoding.UTF8.GetBytes(new string((char)('a' + i % 26), i % 20 == 7 ? 3_000_000 : i)));
            for (var element = i % 30 == 3 ? 400_000 : 2; element > 0; element--)
                builder.Columns[1].Children[0].Append((long)element * i);
            builder.Columns[1].EndList();
            builder.Length++;
        }
        return new ParquetSample("giant-values", schema, [builder.Build()]);
    }

    /// <summary>Columns that are dictionary-encoded already: with entries that nobody uses, with nulls, with as many entries as values.</summary>
    private static ParquetSample Dictionaries(BufferPool pool, Random random)
    {
        const int Rows = 4_000;
        var schema = new Schema([new Field("few", DataType.String), new Field("many", DataType.String)]);
        return new ParquetSample("dictionaries", schema, [new RecordBatch(schema, [Indexed(100, 0.3), Indexed(Rows, 0)], Rows)]);

        Column Indexed(int entries, double nulls)
        {
            var dictionary = SampleColumns.Create(pool, DataType.String, entries, 0, SampleStyle.Rising, random);
            using var positions = new ColumnBuilder(pool, DataType.Int32);
            for (var i = 0; i < Rows; i++)
                if (random.NextDouble() < nulls)
                    positions.AppendNull();
                else
                    positions.Append(entries == Rows ? i : random.Next(entries) / 2);
            using var indices = positions.Build();
            var (validity, values) = (pool.Rent(Bitmap.ByteCount(Rows)), pool.Rent(Rows * sizeof(int)));
            indices.Validity.CopyTo(validity.Span);
            indices.Values<int>().CopyTo(values.As<int>());
            if (indices.NullCount == 0)
                validity.Dispose();
            return new Column(DataType.String, Rows, indices.NullCount, indices.NullCount == 0 ? null : validity, values, dictionary: dictionary);
        }
    }
}
