using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Formats.Json.Reading;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Benchmarks;

/// <summary>How fast JSON is written and read, on one core, block by block as a run does it.</summary>
internal static class JsonBenchmark
{
    private const int BlockRows = 16_384;

    public static int Run(string[] args)
    {
        if (args is not [var folder])
        {
            Console.Error.WriteLine("json needs the folder with users_100K.csv, orders_100K.csv and events_10K.jsonl.");
            return 2;
        }
        using var pool = new BufferPool();
        Encode(pool, "users", Path.Combine(folder, "users_100K.csv"),
            [DataType.Int64, DataType.String, DataType.String, DataType.Int64, DataType.String, DataType.Timestamp(), DataType.Float64, DataType.Bool]);
        var amount = DataType.Decimal(12, 2);
        Encode(pool, "orders", Path.Combine(folder, "orders_100K.csv"),
            [DataType.Int64, DataType.Int64, DataType.Int64, DataType.Int64, amount, amount, amount, amount, DataType.String, DataType.String,
                DataType.Date, DataType.Date, DataType.Date, DataType.String, DataType.String, DataType.String]);
        var events = File.ReadAllBytes(Path.Combine(folder, "events_10K.jsonl")).AsSpan();
        Read(pool, "events", events[..(events[..Math.Min(events.Length, 2 << 20)].LastIndexOf((byte)'\n') + 1)].ToArray(), encodes: true);
        return 0;
    }

    private static void Encode(BufferPool pool, string name, string file, DataType[] types)
    {
        var lines = File.ReadLines(file).Take(BlockRows + 1).ToArray();
        var names = lines[0].Split(',');
        var schema = new Schema(names.Select((column, i) => new Field(column, types[i])));
        var rows = lines.Skip(1).Select(line => SplitLine(line, names.Length)).ToArray();
        using var batch = new RecordBatch(schema, [.. types.Select((type, i) => Load(pool, type, [.. rows.Select(row => row[i])]))], rows.Length);
        foreach (var level in Simd.Available)
        {
            var encoder = new JsonEncoder(schema, isArray: false, omitNulls: false, pool, level);
            long bytes;
            using (var block = encoder.Encode(batch))
                bytes = block.Buffer.Length;
            Measure.Rate($"encode {name} ({bytes / rows.Length} B/row) {level}", rows.Length, bytes, () => encoder.Encode(batch).Dispose());
        }
        using var written = new JsonEncoder(schema, isArray: false, omitNulls: false, pool, Simd.Level).Encode(batch);
        Read(pool, name, written.Buffer.Content.ToArray(), encodes: false);
        using var array = new JsonEncoder(schema, isArray: true, omitNulls: false, pool, Simd.Level).Encode(batch);
        Cut(name, [(byte)'[', .. array.Buffer.Content, (byte)']'], rows.Length);
    }

    private static void Read(BufferPool pool, string name, byte[] content, bool encodes)
    {
        var rows = content.AsSpan().Count((byte)'\n');
        using var buffer = pool.Rent(content.Length);
        content.CopyTo(buffer.Span);
        buffer.Length = content.Length;
        using var block = new RawBlock(buffer, new SourcePosition(name, 0));
        foreach (var level in Simd.Available)
        {
            var format = new JsonFormat(level);
            var dialect = format.DetectDialect(content, true, new OptionValues("source \"json\"", format.ReadOptions, []));
            var inferrer = format.CreateInferrer(dialect, new DiscoverRequest(), name);
            inferrer.Observe(content, 0);
            var schema = inferrer.Build();
            var plan = new StreamPlan
            {
                Stream = new CatalogStream(name, schema) { Details = dialect },
                Columns = [.. schema.Fields.Select(static field => new PlannedColumn(field.Name, field))],
                Object = "",
                RunId = "",
            }.Build();
            var decoder = format.CreateDecoder(plan, pool);
            var sink = new CountingSink();
            Measure.Rate($"decode {name} ({content.Length / rows} B/row) {level}", rows, content.Length, () => decoder.Decode(block, sink));
            if (level == Simd.Level)
                Measure.Rate($"infer {name} {level}", rows, content.Length,
                    () => format.CreateInferrer(dialect, new DiscoverRequest(), name).Observe(content, 0));
            if (!encodes)
                continue;
            var keeper = new KeepingSink();
            decoder.Decode(block, keeper);
            using var batch = keeper.Batch!;
            var encoder = new JsonEncoder(schema, isArray: false, omitNulls: false, pool, level);
            Measure.Rate($"encode {name} ({content.Length / rows} B/row) {level}", rows, content.Length, () => encoder.Encode(batch).Dispose());
        }
        Measure.Rate($"validate UTF-8 of {name}", rows, content.Length, () => Utf8Validator.FindInvalid(content));
    }

    private static void Cut(string name, byte[] array, int rows)
    {
        var padded = new byte[array.Length + BufferPool.Padding];
        array.CopyTo(padded, 0);
        foreach (var level in Simd.Available)
            Measure.Rate($"cut {name} array {level}", rows, array.Length,
                () => new JsonArraySplitter(name, [], level).FindBoundary(padded.AsSpan(0, array.Length - 1), false, out _));
    }

    private sealed class CountingSink : IDecodeSink
    {
        public void Add(RecordBatch batch) => batch.Dispose();

        public void Reject(RejectedRow row) => throw new InvalidOperationException(row.Reason);

        public void Lines(long count)
        {
        }
    }

    private sealed class KeepingSink : IDecodeSink
    {
        public RecordBatch? Batch { get; private set; }

        public void Add(RecordBatch batch) => Batch = batch;

        public void Reject(RejectedRow row) => throw new InvalidOperationException(row.Reason);

        public void Lines(long count)
        {
        }
    }

    /// <summary>Splits a line; only the last field may be quoted, as in the data of this benchmark.</summary>
    private static string[] SplitLine(string line, int count)
    {
        var fields = line.Split(',', count);
        fields[^1] = fields[^1].Trim('"');
        return fields;
    }

    private static Column Load(BufferPool pool, DataType type, string[] values)
    {
        if (type.Kind == TypeKind.String)
            return LoadStrings(pool, values);
        var buffer = pool.Rent(values.Length * 8);
        buffer.Span.Clear();
        for (var i = 0; i < values.Length; i++)
            switch (type.Kind)
            {
                case TypeKind.Bool: Bitmap.Set(buffer.Span, i, values[i] == "true"); break;
                case TypeKind.Float64: buffer.As<double>()[i] = double.Parse(values[i], CultureInfo.InvariantCulture); break;
                case TypeKind.Decimal: buffer.As<long>()[i] = (long)(decimal.Parse(values[i], CultureInfo.InvariantCulture) * 100); break;
                case TypeKind.Date: buffer.As<int>()[i] = DateOnly.Parse(values[i], CultureInfo.InvariantCulture).DayNumber - 719_162; break;
                case TypeKind.Timestamp:
                    buffer.As<long>()[i] =
                    (DateTime.Parse(values[i], CultureInfo.InvariantCulture) - DateTime.UnixEpoch).Ticks / 10; break;
                default: buffer.As<long>()[i] = long.Parse(values[i], CultureInfo.InvariantCulture); break;
            }
        return new Column(type, values.Length, 0, null, buffer);
    }

    private static Column LoadStrings(BufferPool pool, string[] values)
    {
        var texts = values.Select(Encoding.UTF8.GetBytes).ToImmutableArray();
        var bytes = pool.Rent(texts.Sum(static text => text.Length));
        var offsets = pool.Rent((texts.Length + 1) * 4);
        var at = 0;
        for (var i = 0; i < texts.Length; i++)
        {
            offsets.As<int>()[i] = at;
            texts[i].CopyTo(bytes.Span[at..]);
            at += texts[i].Length;
        }
        offsets.As<int>()[texts.Length] = at;
        return new Column(DataType.String, texts.Length, 0, null, bytes, offsets);
    }
}
