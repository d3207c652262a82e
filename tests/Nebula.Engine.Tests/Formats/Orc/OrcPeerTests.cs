using System.Diagnostics;
using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Writing;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Formats.Orc;

/// <summary>What is written, as the C++ library of apache/orc reads it (tests/peers/orc).</summary>
public sealed class OrcPeerTests(ITestOutputHelper output) : IDisposable
{
    private readonly BufferPool _pool = new();
    private readonly Dictionary<Column, Column> _texts = [];
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"nebula-{Guid.NewGuid():n}.orc");

    public static TheoryData<string, double> Shapes
    {
        get
        {
            var data = new TheoryData<string, double>();
            foreach (var codec in (string[])["none", "zstd", "deflate", "snappy", "lz4"])
                foreach (var nulls in (ReadOnlySpan<double>)[0, 0.2, 0.95, 1])
                    data.Add(codec, nulls);
            return data;
        }
    }

    public void Dispose()
    {
        File.Delete(_path);
        foreach (var texts in _texts.Values)
            texts.Dispose();
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Write_EveryType_TheReferenceLibraryReadsTheSame(string codec, double nulls)
    {
        if (Environment.GetEnvironmentVariable("NEBULA_ORC_EXACT") is not { Length: > 0 } program)
        {
            output.WriteLine("skipped: NEBULA_ORC_EXACT does not name the program of tests/peers/orc");
            return;
        }
        var schema = new Schema(OrcRandomColumns.Types.Select(static (type, i) => new Field($"c{i}", type)));
        for (var style = 0; style < 8; style++)
        {
            var random = new Random(style);
            using var first = OrcRandomColumns.Batch(_pool, schema, 3300, nulls, random, style);
            using var second = OrcRandomColumns.Batch(_pool, schema, 700, nulls, random);
            File.WriteAllBytes(_path, OrcTestFile.Write(_pool, schema, [first, second], ("compression", codec), ("row_index_stride", "1000")));
            var expected = Render(first).Concat(Render(second)).ToArray();
            Assert.Equal(expected, Run(program, _path));
            Assert.Equal(expected.Order(StringComparer.Ordinal), Run(program, _path, "700").Order(StringComparer.Ordinal));
        }
    }

    private static string[] Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var rows = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return rows.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private IEnumerable<string> Render(RecordBatch batch)
    {
        for (var row = 0; row < batch.Length; row++)
        {
            var text = new StringBuilder();
            RenderStruct(text, batch.Columns, row);
            yield return text.ToString();
        }
    }

    private void RenderStruct(StringBuilder text, IReadOnlyList<Column> columns, int row)
    {
        text.Append('{');
        for (var i = 0; i < columns.Count; i++)
        {
            text.Append(i > 0 ? "," : "");
            RenderValue(text, columns[i], row);
        }
        text.Append('}');
    }

    private void RenderValue(StringBuilder text, Column column, int row)
    {
        if (column.IsNull(row))
        {
            text.Append("null");
            return;
        }
        var type = column.Type;
        switch (type.Kind)
        {
            case TypeKind.Bool:
                text.Append(Bitmap.Get(column.Bits, row) ? '1' : '0');
                break;
            case TypeKind.Float32:
                var single = column.Values<float>()[row];
                text.Append(CultureInfo.InvariantCulture, $"f{(float.IsNaN(single) ? 0x7fc0_0000u : BitConverter.SingleToUInt32Bits(single)):x8}");
                break;
            case TypeKind.Float64:
                var value = column.Values<double>()[row];
                text.Append(CultureInfo.InvariantCulture, $"d{(double.IsNaN(value) ? 0x7ff8_0000_0000_0000ul : BitConverter.DoubleToUInt64Bits(value)):x16}");
                break;
            case TypeKind.Decimal:
                text.Append((type.ByteWidth == 8 ? column.Values<long>()[row] : column.Values<Int128>()[row]).ToString(CultureInfo.InvariantCulture));
                break;
            case TypeKind.Timestamp:
                var perSecond = type.Unit == TimeUnit.Microsecond ? 1_000_000L : 1_000_000_000L;
                var fraction = ((column.Values<long>()[row] % perSecond) + perSecond) % perSecond;
                text.Append(CultureInfo.InvariantCulture,
                    $"{(column.Values<long>()[row] - fraction) / perSecond}.{fraction * (1_000_000_000 / perSecond):000000000}");
                break;
            case TypeKind.Time or TypeKind.Uuid:
                if (!_texts.TryGetValue(column, out var texts))
                    _texts[column] = texts = TextColumns.Convert(column, _pool);
                text.Append('x').Append(Convert.ToHexStringLower(texts.GetBytes(row)));
                break;
            case TypeKind.String or TypeKind.Json or TypeKind.Binary:
                text.Append('x').Append(Convert.ToHexStringLower(column.GetBytes(row)));
                break;
            case TypeKind.List or TypeKind.Map:
                text.Append('[');
                for (var i = column.Offsets[row]; i < column.Offsets[row + 1]; i++)
                {
                    text.Append(i > column.Offsets[row] ? "," : "");
                    RenderValue(text, column.Children[0], i);
                    if (type.Kind == TypeKind.Map)
                        RenderValue(text.Append(':'), column.Children[1], i);
                }
                text.Append(']');
                break;
            case TypeKind.Struct:
                RenderStruct(text, column.Children, row);
                break;
            default:
                text.Append(OrcTestFile.Integer(column, row).ToString(CultureInfo.InvariantCulture));
                break;
        }
    }
}
