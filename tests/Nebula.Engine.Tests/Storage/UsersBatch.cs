using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Storage;

/// <summary>Records like those of the benchmark kit's <c>users</c>, the same every time.</summary>
internal static class UsersBatch
{
    private const long FirstSignup = 1_577_836_800_000_000;

    public static Schema Schema { get; } = new(
    [
        new Field("id", DataType.Int64), new Field("name", DataType.String), new Field("email", DataType.String), new Field("age", DataType.Int64),
        new Field("city", DataType.String), new Field("signup", DataType.Timestamp()), new Field("score", DataType.Float64), new Field("active", DataType.Bool),
    ]);

    public static RecordBatch Create(BufferPool pool, int rows, double nulls = 0)
    {
        var random = new Random(20240817);
        var given = Words(random, 64, 4, 8);
        var family = Words(random, 64, 4, 8);
        var cities = Words(random, 64, 5, 12);
        var columns = Schema.Fields.Select(field => new ColumnBuilder(pool, field.Type)).ToArray();
        for (var i = 1; i <= rows; i++)
        {
            var (first, last) = (given[random.Next(given.Length)], family[random.Next(family.Length)]);
            columns[0].Append((long)i);
            Append(columns[1], random, nulls, c => c.AppendBytes(Encoding.UTF8.GetBytes($"{first} {last}")));
            Append(columns[2], random, nulls, c => c.AppendBytes(Encoding.UTF8.GetBytes($"{first}.{last}{i}@mail.example.net")));
            Append(columns[3], random, nulls, c => c.Append((long)random.Next(18, 91)));
            Append(columns[4], random, nulls, c => c.AppendBytes(Encoding.UTF8.GetBytes(cities[random.Next(cities.Length)])));
            Append(columns[5], random, nulls, c => c.Append(FirstSignup + 1_000_000L * random.Next(100_000_000)));
            Append(columns[6], random, nulls, c => c.Append(random.Next(10_000) / 100.0));
            Append(columns[7], random, nulls, c => c.AppendBool(random.Next(2) == 0));
        }
        var batch = new RecordBatch(Schema, [.. columns.Select(column => column.Build())], rows);
        return batch;
    }

    private static void Append(ColumnBuilder column, Random random, double nulls, Action<ColumnBuilder> append)
    {
        if (random.NextDouble() < nulls)
            column.AppendNull();
        else
            append(column);
    }

    private static string[] Words(Random random, int count, int shortest, int longest) =>
        [.. Enumerable.Range(0, count).Select(_ => Word(random, random.Next(shortest, longest + 1)))];

    private static string Word(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(26))));
}
