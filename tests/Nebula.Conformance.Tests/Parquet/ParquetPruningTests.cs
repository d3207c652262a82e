using System.Globalization;
using System.Text;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>Statistics and Bloom filters are there so that others need not read: DuckDB finds rows in our files by reading few of their bytes.</summary>
public sealed class ParquetPruningTests(ITestOutputHelper output) : IDisposable
{
    private const int Groups = 20;
    private const int RowsPerGroup = 10_000;
    private readonly BufferPool _pool = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-pruning-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [PeerFact]
    public void DuckDb_RangeOfSortedColumns_ReadsOnlyItsRowGroups()
    {
        var file = Write("sorted");
        var (all, allBytes) = Query(file, "true");
        Assert.Equal($"{Groups * RowsPerGroup}", all);
        foreach (var filter in (string[])
            ["id between 51000 and 52999", "day = date '2003-05-19'", "price between 510.00 and 529.99", "name >= 'n051000' and name < 'n053000'"])
        {
            var (rows, bytes) = Query(file, filter);
            output.WriteLine($"{filter}: {rows} rows, {bytes} of {allBytes} bytes");
            Assert.NotEqual("0", rows);
            Assert.InRange(bytes, 1, allBytes / 8);
        }
        Assert.Equal("0", Query(file, "id > 10000000").Rows);
        Assert.InRange(Query(file, "id > 10000000").Bytes, 1, allBytes / 50);
    }

    [PeerFact]
    public void DuckDb_ValueThatABloomFilterLacks_ReadsNoRowGroup()
    {
        // between the smallest and the largest of every row group, so that statistics cannot tell
        var (absent, present) = (Key(-1), Key(RowsPerGroup * 7 + 5));
        var (filtered, plain) = (Write("filtered", ("bloom_filter", "key")), Write("plain"));
        foreach (var (key, expected) in new[] { (absent, "0"), (present, "1") })
        {
            var (rows, bytes) = Query(filtered, $"key = '{key}'");
            var (plainRows, plainBytes) = Query(plain, $"key = '{key}'");
            output.WriteLine($"key {(expected == "1" ? "there" : "not there")}: {bytes} bytes with a Bloom filter, {plainBytes} without");
            Assert.Equal(expected, rows);
            Assert.Equal(expected, plainRows);
            Assert.InRange(bytes, 1, plainBytes / 2);
        }
    }

    /// <summary>Rows with an identifier, day, price and name that rise, a key in no order, and bytes that nobody asks for.</summary>
    private string Write(string name, params (string Key, string Value)[] options)
    {
        var schema = new Schema([new Field("id", DataType.Int64), new Field("day", DataType.Date), new Field("price", DataType.Decimal(12, 2)),
            new Field("name", DataType.String), new Field("key", DataType.String), new Field("body", DataType.String)]);
        var random = new Random(4711);
        var batches = new List<RecordBatch>();
        var body = new byte[24];
        for (var group = 0; group < Groups; group++)
        {
            using var builder = new RecordBatchBuilder(_pool, schema);
            for (var i = 0; i < RowsPerGroup; i++)
            {
                var id = group * RowsPerGroup + i;
                random.NextBytes(body);
                builder.Columns[0].Append((long)id);
                builder.Columns[1].Append(10_957 + id / 100);
                builder.Columns[2].Append((long)id);
                builder.Columns[3].AppendBytes(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"n{id:D6}")));
                builder.Columns[4].AppendBytes(Encoding.UTF8.GetBytes(Key(id)));
                builder.Columns[5].AppendBytes(Encoding.UTF8.GetBytes(Convert.ToBase64String(body)));
                builder.Length++;
            }
            batches.Add(builder.Build());
        }
        using var sample = new ParquetSample(name, schema, batches, options);
        var path = Path.Combine(_folder, name + ".parquet");
        File.WriteAllBytes(path, sample.Write(_pool));
        return path;
    }

    private static string Key(int id) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(id)))[..20];

    private static (string Rows, long Bytes) Query(string file, string filter)
    {
        var line = Peers.Run("pruning.mjs", $"select count(*), max(body) from read_parquet('{file}') where {filter}").Split('\n')[0].Split('\t');
        return (line[0].Split(' ')[0], long.Parse(line[1], CultureInfo.InvariantCulture));
    }
}
