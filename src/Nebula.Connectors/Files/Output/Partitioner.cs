using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;

namespace Nebula.Connectors.Files.Output;

/// <summary>Splits batches by the partitions that their rows belong to. Stateless: one serves all threads.</summary>
/// <param name="schema">The columns.</param>
/// <param name="keys">What decides about the partition; at least one.</param>
/// <param name="most">Most partitions that a batch may have.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class Partitioner(Schema schema, IReadOnlyList<PartitionKey> keys, int most, BufferPool pool)
{
    // the code of null, and of the empty text, in every column
    private const int NullCode = 0;
    private readonly int[] _kept =
        [.. Enumerable.Range(0, schema.Fields.Length)
            .Where(i => !keys.Any(key => key.Column == i && key.Transform == PartitionTransform.Identity))];
    private Schema? _fileSchema;

    /// <summary>The columns that files have: all but those whose values are in the names of folders.</summary>
    public Schema FileSchema => _fileSchema ??= new Schema(_kept.Select(i => schema.Fields[i]));

    /// <summary>Splits a batch. Within a partition rows keep their order.</summary>
    /// <param name="batch">The rows; they stay the caller's.</param>
    /// <param name="each">Takes the folders of a partition and its rows, which are disposed of afterwards.</param>
    /// <exception cref="NebulaException">There are too many partitions.</exception>
    public void Split(RecordBatch batch, Action<string, RecordBatch> each)
    {
        if (batch.Length == 0)
            return;
        using var idBuffer = pool.Rent(checked(batch.Length * sizeof(int)));
        var ids = idBuffer.As<int>()[..batch.Length];
        ids.Clear();
        var paths = new List<string> { "" };
        foreach (var key in keys)
            paths = Refine(batch.Columns[key.Column], key, ids, paths);
        if (paths.Count == 1)
        {
            using var whole = new RecordBatch(FileSchema, [.. _kept.Select(i => batch.Columns[i].Share())], batch.Length);
            each(paths[0], whole);
            return;
        }
        using var orderBuffer = pool.Rent(checked(batch.Length * sizeof(int)));
        var order = orderBuffer.As<int>()[..batch.Length];
        var ends = Order(ids, paths.Count, order);
        for (var i = 0; i < paths.Count; i++)
        {
            var rows = order[(i == 0 ? 0 : ends[i - 1])..ends[i]];
            using var part = Take(batch, rows);
            each(paths[i], part);
        }
    }

    /// <summary>The error of too many partitions.</summary>
    public static NebulaException TooMany(int most) => new(ErrorKind.Limit,
        $"The rows belong to more than {most} partitions, and a file is open for each. "
        + "Partition by something coarser, such as month(…) instead of day(…), or raise 'max_partitions'.");

    /// <summary>Splits partitions further by one more column.</summary>
    private List<string> Refine(Column column, PartitionKey key, Span<int> ids, List<string> paths)
    {
        using var codeBuffer = pool.Rent(checked(ids.Length * sizeof(int)));
        var codes = codeBuffer.As<int>()[..ids.Length];
        var values = key.Transform == PartitionTransform.Identity ? CodesOfValues(column, codes) : CodesOfTimes(column, key.Transform, codes);
        var numbers = new Dictionary<(int, int), int>();
        var refined = new List<string>();
        var last = (-1, -1);
        var number = -1;
        for (var i = 0; i < ids.Length; i++)
        {
            // neighbours tend to be in the same partition
            if (last != (ids[i], codes[i]))
            {
                last = (ids[i], codes[i]);
                if (!numbers.TryGetValue(last, out number))
                {
                    number = refined.Count;
                    numbers.Add(last, number);
                    refined.Add(paths[ids[i]] + HiveNames.Render(key.Name, values[codes[i]]) + "/");
                    if (refined.Count > most)
                        throw TooMany(most);
                }
            }
            ids[i] = number;
        }
        return refined;
    }

    private List<string?> CodesOfValues(Column column, Span<int> codes)
    {
        using var text = column.Type.Kind == TypeKind.String
            ? null
            : ColumnConverter.Create(column.Type, DataType.String, allowsLoss: true)!.Convert(column, pool, new ValueFaults());
        using var distinct = new DistinctBytes(pool, DataType.String);
        var texts = text ?? column;
        for (var i = 0; i < codes.Length; i++)
        {
            var bytes = column.IsNull(i) ? default : texts.GetBytes(i);
            codes[i] = bytes.IsEmpty ? NullCode : distinct.Find(bytes) + 1;
            if (distinct.Count > most)
                throw TooMany(most);
        }
        using var values = distinct.Build();
        return [null, .. Enumerable.Range(0, values.Length).Select(i => Encoding.UTF8.GetString(values.GetBytes(i)))];
    }

    private List<string?> CodesOfTimes(Column column, PartitionTransform transform, Span<int> codes)
    {
        var numbers = new Dictionary<long, int>();
        var values = new List<string?> { null };
        var last = long.MinValue;
        var code = NullCode;
        for (var i = 0; i < codes.Length; i++)
        {
            if (column.IsNull(i))
            {
                codes[i] = NullCode;
                continue;
            }
            var hour = HourOf(column, i);
            if (transform != PartitionTransform.Hour)
                hour -= hour % 24 < 0 ? hour % 24 + 24 : hour % 24;
            if (hour != last || code == NullCode)
            {
                last = hour;
                var value = Render(hour, transform, out var number);
                if (!numbers.TryGetValue(number, out code))
                {
                    code = values.Count;
                    numbers.Add(number, code);
                    values.Add(value);
                    if (numbers.Count > most)
                        throw TooMany(most);
                }
            }
            codes[i] = code;
        }
        return values;
    }

    /// <summary>Hours since 1970 of a date or timestamp.</summary>
    private static long HourOf(Column column, int row)
    {
        if (column.Type.Kind == TypeKind.Date)
            return column.Values<int>()[row] * 24L;
        var perHour = column.Type.Unit == TimeUnit.Nanosecond ? 3_600_000_000_000 : 3_600_000_000;
        var (hours, rest) = Math.DivRem(column.Values<long>()[row], perHour);
        return rest < 0 ? hours - 1 : hours;
    }

    private static string Render(long hour, PartitionTransform transform, out long number)
    {
        var (days, hourOfDay) = Math.DivRem(hour, 24);
        if (hourOfDay < 0)
            (days, hourOfDay) = (days - 1, hourOfDay + 24);
        Temporal.ToDate((int)days, out var year, out var month, out var day);
        number = transform switch
        {
            PartitionTransform.Year => year,
            PartitionTransform.Month => year * 12L + month,
            _ => hour,
        };
        return transform switch
        {
            PartitionTransform.Year => string.Create(CultureInfo.InvariantCulture, $"{year:0000}"),
            PartitionTransform.Month => string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}"),
            PartitionTransform.Day => string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}-{hourOfDay:00}"),
        };
    }

    /// <summary>Sorts rows by their partitions.</summary>
    /// <param name="ids">The partition of each row.</param>
    /// <param name="count">Number of partitions.</param>
    /// <param name="order">Takes the rows.</param>
    /// <returns>Where the rows of each partition end.</returns>
    private static int[] Order(ReadOnlySpan<int> ids, int count, Span<int> order)
    {
        var next = new int[count + 1];
        foreach (var id in ids)
            next[id + 1]++;
        for (var i = 1; i <= count; i++)
            next[i] += next[i - 1];
        for (var row = 0; row < ids.Length; row++)
            order[next[ids[row]]++] = row;
        return next;
    }

    private RecordBatch Take(RecordBatch batch, ReadOnlySpan<int> rows)
    {
        using var scope = new BufferScope();
        var columns = new Column[_kept.Length];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = scope.Add(RowSelection.Take(batch.Columns[_kept[i]], rows, pool));
        scope.Release();
        return new RecordBatch(FileSchema, [.. columns], rows.Length);
    }
}
