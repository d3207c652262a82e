using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Orc;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Orc;

/// <summary>Writes and reads ORC files in memory.</summary>
internal static class OrcTestFile
{
    private static readonly OptionDescriptor[] Common =
    [
        new("compression", OptionKind.Text, "codec", "zstd"),
        new("compression_level", OptionKind.Integer, "level"),
    ];

    public static byte[] Write(BufferPool pool, Schema schema, IReadOnlyList<RecordBatch> batches, params (string Name, string Value)[] options)
    {
        var format = new OrcFormat();
        var values = options.GroupBy(static o => o.Name).Select(static o =>
            KeyValuePair.Create(o.Key, new OptionValue([.. o.Select(static v => v.Value)], new SourceLocation("test"))));
        var encoder = format.CreateEncoder(schema, new OptionValues("test", [.. Common, .. format.WriteOptions], values), pool);
        var blocks = batches.Select(encoder.Encode).ToArray();
        try
        {
            using var output = MemoryOutput.Of(encoder, blocks);
            return output.Bytes;
        }
        finally
        {
            foreach (var block in blocks)
                block.Dispose();
        }
    }

    public static IContainerFile Open(BufferPool pool, byte[] bytes, params (string Name, string Value)[] options)
    {
        var format = new OrcFormat();
        var values = options.Select(static o => KeyValuePair.Create(o.Name, new OptionValue([o.Value], new SourceLocation("test"))));
        return format.Open(new TestBytes(bytes), new OptionValues("test", format.ReadOptions, values), pool);
    }

    /// <summary>All rows as text, and the number of blocks.</summary>
    public static (List<string> Rows, int Blocks) Read(BufferPool pool, byte[] bytes, int blockSize = 256 << 10, int[]? columns = null,
        int maxRecordSize = BufferPool.MaxCapacity,
        params (string Name, string Value)[] options)
    {
        using var file = Open(pool, bytes, options);
        var wanted = columns ?? [.. Enumerable.Range(0, file.Schema.Fields.Length)];
        using var reader = file.OpenReader([.. wanted], 0, null, new ReadContext(pool, blockSize) { MaxRecordSize = maxRecordSize });
        var sink = new RowSink();
        var blocks = 0;
        while (reader.Next() is { } block)
            using (block)
            {
                reader.Decode(block, sink);
                blocks++;
            }
        return (sink.Rows, blocks);
    }

    public static List<string> Render(RecordBatch batch) =>
        [.. Enumerable.Range(0, batch.Length).Select(row => Render(batch.Schema.Fields, batch.Columns, row))];

    private static string Render(ImmutableArray<Field> fields, ImmutableArray<Column> columns, int row)
    {
        var text = new StringBuilder("{");
        for (var i = 0; i < columns.Length; i++)
            text.Append(i > 0 ? ", " : "").Append(fields[i].Name).Append(": ").Append(Render(columns[i], row));
        return text.Append('}').ToString();
    }

    /// <summary>The same text for values that ORC stores as another type.</summary>
    private static string Render(Column column, int row)
    {
        if (column.IsNull(row))
            return "null";
        var type = column.Type;
        switch (type.Kind)
        {
            case TypeKind.Bool:
                return Bitmap.Get(column.Bits, row) ? "true" : "false";
            case TypeKind.Float32:
                return "f" + BitConverter.SingleToUInt32Bits(column.Values<float>()[row]).ToString("x8", CultureInfo.InvariantCulture);
            case TypeKind.Float64:
                return "d" + BitConverter.DoubleToUInt64Bits(column.Values<double>()[row]).ToString("x16", CultureInfo.InvariantCulture);
            case TypeKind.Decimal:
                return Number(type.ByteWidth == 8 ? column.Values<long>()[row] : column.Values<Int128>()[row]);
            case TypeKind.Time:
                return Time(column.Values<long>()[row], type.Unit);
            case TypeKind.Timestamp:
                return Number((Int128)column.Values<long>()[row] * (type.Unit == TimeUnit.Microsecond ? 1000 : 1)) + (type.Zone is null ? "" : "Z");
            case TypeKind.Uuid:
                return new Guid(System.Runtime.InteropServices.MemoryMarshal.AsBytes(column.Values<UInt128>().Slice(row, 1)), bigEndian: true).ToString("D");
            case TypeKind.String or TypeKind.Json:
                return Encoding.UTF8.GetString(column.GetBytes(row));
            case TypeKind.Binary:
                return "x" + Convert.ToHexString(column.GetBytes(row));
            case TypeKind.List or TypeKind.Map:
                return "[" + string.Join(", ", Enumerable.Range(column.Offsets[row], column.Offsets[row + 1] - column.Offsets[row])
                    .Select(i => string.Join(" -> ", column.Children.Select(child => Render(child, i))))) + "]";
            case TypeKind.Struct:
                return Render(type.Fields, column.Children, row);
            default:
                return Number(Integer(column, row));
        }
    }

    private static string Number(Int128 value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(long value, TimeUnit unit)
    {
        var perSecond = unit == TimeUnit.Microsecond ? 1_000_000 : 1_000_000_000;
        var (seconds, fraction) = Math.DivRem(value, perSecond);
        var text = string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}");
        if (fraction == 0)
            return text;
        var nanoseconds = (fraction * (1_000_000_000 / perSecond)).ToString("000000000", CultureInfo.InvariantCulture);
        return text + "." + (nanoseconds.EndsWith("000000", StringComparison.Ordinal) ? nanoseconds[..3]
            : nanoseconds.EndsWith("000", StringComparison.Ordinal) ? nanoseconds[..6] : nanoseconds);
    }

    public static Int128 Integer(Column column, int row) => column.Type.Kind switch
    {
        TypeKind.Int8 => column.Values<sbyte>()[row],
        TypeKind.Int16 => column.Values<short>()[row],
        TypeKind.Int32 or TypeKind.Date => column.Values<int>()[row],
        TypeKind.Int64 => column.Values<long>()[row],
        TypeKind.UInt8 => column.Values<byte>()[row],
        TypeKind.UInt16 => column.Values<ushort>()[row],
        TypeKind.UInt32 => column.Values<uint>()[row],
        _ => column.Values<ulong>()[row],
    };

    private sealed class RowSink : IDecodeSink
    {
        public List<string> Rows { get; } = [];

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                Assert.InRange(batch.Length, 1, IContainerReader.BatchRows);
                Rows.AddRange(Render(batch));
            }
        }

        public void Reject(RejectedRow row) => throw new DataFormatException(row.Reason, row.Location);

        public void Lines(long count)
        {
        }
    }
}

/// <summary>A file in memory.</summary>
internal sealed class TestBytes(byte[] bytes) : IRandomAccess
{
    public string Name => "test.orc";

    public long Length => bytes.Length;

    /// <summary>Ranges that were read.</summary>
    public List<(long Offset, int Length)> Reads { get; } = [];

    public void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > bytes.Length || target.Length > bytes.Length - offset)
            throw new DataFormatException("bytes are missing", new SourceLocation(Name, ByteOffset: offset));
        Reads.Add((offset, target.Length));
        bytes.AsSpan((int)offset, target.Length).CopyTo(target);
    }

    public void Dispose()
    {
    }
}
