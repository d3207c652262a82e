using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>Rows to be written: a number that tells them apart, and a column of every type that a destination says it keeps.</summary>
internal static class SampleRows
{
    public const string Key = "id";

    // characters that texts of one kind or another give a meaning
    private static readonly string[] Texts =
    [
        "plain", "", "two words", "a,b;c\td", "\"quoted\"", "it's", "line\nend", "back\\slash", "Ünïcödé 日本 😀", "NULL", "\\N", " spaces ", "{\"a\":1}",
        "-1", "true",
    ];

    private static readonly DataType[] Types =
    [
        DataType.Bool, DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
        DataType.Float32, DataType.Float64, DataType.Decimal(9, 2), DataType.Decimal(38, 10), DataType.Date, DataType.Time, DataType.TimeNanoseconds,
        DataType.Timestamp(), DataType.Timestamp(zone: "UTC"), DataType.Timestamp(TimeUnit.Nanosecond), DataType.String, DataType.Binary, DataType.Uuid,
        DataType.Json, DataType.List(DataType.Int64), DataType.Struct(new Field("a", DataType.Int64), new Field("b", DataType.String)),
        DataType.Map(DataType.String, DataType.Int64),
    ];

    /// <summary>The columns that a destination takes as they are.</summary>
    public static ImmutableArray<PlannedColumn> Columns(IDestination destination, string objectName, IReadOnlyList<TypeKind> leftOut)
    {
        var key = destination.Map(objectName, DataType.Int64).WrittenAs ?? DataType.Int64;
        var taken = Types.Where(type => !leftOut.Contains(type.Kind) && Keeps(type));
        return [Column(Key, key, nullable: false), .. taken.Select(static (type, i) => Column($"c{i}_{type.Kind.ToString().ToLowerInvariant()}", type, true))];

        bool Keeps(DataType type)
        {
            var mapping = destination.Map(objectName, type);
            return mapping.Fidelity is Fidelity.Exact or Fidelity.Widened && (mapping.WrittenAs is null || mapping.WrittenAs.Equals(type))
                && type.Fields.All(field => Keeps(field.Type));
        }
    }

    /// <summary>Makes rows.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="plan">Their columns.</param>
    /// <param name="numbers">A number for each.</param>
    /// <param name="variant">Another one gives the same numbers other values.</param>
    /// <param name="keepsEmptyText">Whether a column tells an empty text from a null.</param>
    public static RecordBatch Make(BufferPool pool, StreamPlan plan, IEnumerable<int> numbers, int variant, Func<int, bool> keepsEmptyText)
    {
        using var rows = new RecordBatchBuilder(pool, plan.Schema);
        foreach (var number in numbers)
        {
            Append(rows.Columns[0], number, allowsEmpty: true);
            for (var i = 1; i < rows.Columns.Length; i++)
                if ((number + variant + i) % 5 == 0)
                    rows.Columns[i].AppendNull();
                else
                    Append(rows.Columns[i], number + variant + i, keepsEmptyText(i));
            rows.Length++;
        }
        return rows.Build();
    }

    /// <summary>The rows of a batch as texts.</summary>
    public static IEnumerable<string?[]> Render(RecordBatch batch) =>
        Enumerable.Range(0, batch.Length).Select(row => batch.Columns.Select(column => ValueText.Of(column, row)).ToArray());

    private static PlannedColumn Column(string name, DataType type, bool nullable) => new(name, new Field(name, type, nullable));

    private static void Append(ColumnBuilder column, int seed, bool allowsEmpty)
    {
        var text = Texts[seed % Texts.Length];
        switch (column.Type.Kind)
        {
            case TypeKind.Bool:
                column.AppendBool(seed % 2 == 0);
                break;
            case TypeKind.Int8 or TypeKind.UInt8:
                column.Append((byte)(seed * 37));
                break;
            case TypeKind.Int16 or TypeKind.UInt16:
                column.Append((ushort)(seed * 4099));
                break;
            case TypeKind.Int32 or TypeKind.UInt32:
                column.Append(seed * 1_000_003);
                break;
            // keys are as large as numbers are, and no larger than a double holds
            case TypeKind.Int64 or TypeKind.UInt64:
                column.Append(seed * 1_000_000_007L);
                break;
            case TypeKind.Float32:
                column.Append(seed / 8f);
                break;
            case TypeKind.Float64:
                column.Append((seed - 20) / 3d);
                break;
            case TypeKind.Decimal when column.ByteWidth == sizeof(long):
                column.Append((seed - 20) * 1_234_567L % 1_000_000_000);
                break;
            case TypeKind.Decimal:
                column.Append((Int128)(seed - 20) * 123_456_789_012_345_678L * 1_000_000_000_007L);
                break;
            case TypeKind.Date:
                column.Append(seed * 97 - 5_000);
                break;
            case TypeKind.Time:
                column.Append(seed * 3_600_123_457L % 86_400_000_000L);
                break;
            case TypeKind.Timestamp:
                column.Append((seed - 20) * 10_000_000_123_457L);
                break;
            case TypeKind.Uuid:
                column.Append((Int128)(seed + 1) * 0x0123_4567_89AB_CDEFL);
                break;
            case TypeKind.Binary:
                column.AppendBytes(seed % 7 == 0 && allowsEmpty ? [] : [0, (byte)seed, 0xFF, (byte)'\n']);
                break;
            case TypeKind.Json:
                column.AppendText(string.Create(CultureInfo.InvariantCulture, $"{{\"a\":{seed},\"b\":[true,null,\"x\"]}}"));
                break;
            case TypeKind.String:
                column.AppendText(text.Length > 0 ? $"{text}{seed}" : allowsEmpty ? "" : "not empty");
                break;
            case TypeKind.List:
                for (var i = 0; i < seed % 3; i++)
                    Append(column.Children[0], seed + i, allowsEmpty);
                column.EndList();
                break;
            case TypeKind.Map:
                Append(column.Children[0], seed, allowsEmpty);
                column.Children[1].AppendNull();
                column.EndList();
                break;
            default:
                foreach (var child in column.Children)
                    Append(child, seed, allowsEmpty);
                column.EndStruct();
                break;
        }
    }
}
