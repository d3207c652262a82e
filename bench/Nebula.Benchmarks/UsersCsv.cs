using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Benchmarks;

/// <summary>Reads the <c>users</c> file of the benchmark kit, whose fields are never quoted. Only to have records to measure with.</summary>
internal static class UsersCsv
{
    private static readonly Schema Schema = new(
    [
        new Field("id", DataType.Int64), new Field("name", DataType.String), new Field("email", DataType.String), new Field("age", DataType.Int64),
        new Field("city", DataType.String), new Field("signup", DataType.Timestamp()), new Field("score", DataType.Float64), new Field("active", DataType.Bool),
    ]);

    public static List<RecordBatch> Read(BufferPool pool, string path, int maxRows, int batchRows)
    {
        var batches = new List<RecordBatch>();
        using var builder = new RecordBatchBuilder(pool, Schema);
        foreach (var line in File.ReadLines(path).Skip(1).Take(maxRows))
        {
            Append(builder, line.Split(','));
            if (builder.Length == batchRows)
                batches.Add(builder.Build());
        }
        if (builder.Length > 0)
            batches.Add(builder.Build());
        return batches;
    }

    private static void Append(RecordBatchBuilder builder, string[] fields)
    {
        var columns = builder.Columns;
        columns[0].Append(long.Parse(fields[0], CultureInfo.InvariantCulture));
        columns[1].AppendBytes(Encoding.UTF8.GetBytes(fields[1]));
        columns[2].AppendBytes(Encoding.UTF8.GetBytes(fields[2]));
        columns[3].Append(long.Parse(fields[3], CultureInfo.InvariantCulture));
        columns[4].AppendBytes(Encoding.UTF8.GetBytes(fields[4]));
        var signup = DateTime.Parse(fields[5], CultureInfo.InvariantCulture);
        columns[5].Append((signup - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        columns[6].Append(double.Parse(fields[6], CultureInfo.InvariantCulture));
        columns[7].AppendBool(fields[7] == "true");
        builder.Length++;
    }
}
