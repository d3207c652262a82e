using System.Globalization;
using System.Text;
using Nebula.ConnectorTestKit;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Files as a source and as a destination keep the contracts, whatever their format.</summary>
public sealed class FileContractTests : IDisposable
{
    private const int Rows = 3_000;
    private readonly FileRun _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("t.csv")]
    [InlineData("t.csv.gz")]
    [InlineData("t.csv.zst")]
    [InlineData("t.jsonl")]
    [InlineData("t.json")]
    [InlineData("t.parquet")]
    [InlineData("t.arrow")]
    [InlineData("t.avro")]
    [InlineData("t.orc")]
    public async Task Source_AnyFormat_KeepsTheContracts(string name)
    {
        if (name == "t.csv")
            _files.Write(name, Table(0));
        else if (name == "t.json")
            _files.Write(name, $"[{string.Join(",\n", Enumerable.Range(0, Rows).Select(static i => $"{{\"id\":{i},\"name\":\"n{i}\"}}"))}]");
        else
        {
            _files.Write("in.csv", Table(0));
            await _files.RunAsync("in.csv", name);
        }

        await new SourceContract(() => _files.Source(name)) { Rows = Rows }.VerifyAsync();
    }

    [Fact]
    public async Task Source_FilesAsStreams_KeepTheContracts()
    {
        _files.Write("in/a.csv", Table(0));
        _files.Write("in/b.jsonl", "{\"n\":1}\n");

        await new SourceContract(() => _files.Source("in/*")) { Rows = Rows, Stream = "a.csv" }.VerifyAsync();
    }

    [Fact]
    public async Task Source_FilesThatCome_AreReadIncrementally()
    {
        _files.Write("in/a.csv", Table(0));

        await new SourceContract(() => _files.Source("in/*.csv"))
        {
            AsOneStream = true,
            AddRowsAsync = _ =>
            {
                _files.Write("in/b.csv", Table(Rows));
                return Task.CompletedTask;
            },
        }.VerifyAsync();
    }

    [Theory]
    [InlineData("csv", "")]
    [InlineData("csv", "compression=gzip")]
    [InlineData("json", "")]
    [InlineData("json", "compression=zstd")]
    [InlineData("parquet", "")]
    [InlineData("arrow", "")]
    [InlineData("avro", "")]
    [InlineData("orc", "")]
    [InlineData("csv", "file_size=2KB")]
    [InlineData("parquet", "file_size=2KB")]
    public async Task Destination_AnyFormat_KeepsTheContracts(string format, string options)
    {
        var settings = options.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static option => option.Split('=')).Select(static pair => (pair[0], pair[1]))
            .Append(("format", format)).ToArray();

        await new DestinationContract(() => _files.Destination("out/", settings), ReadAsync)
        {
            // what CSV makes of bytes only a run that verifies reads again
            NotRead = format == "csv" ? [TypeKind.Binary] : [],
            ListAsync = _ => Task.FromResult<IReadOnlyList<string>>(_files.Files("out")),
        }.VerifyAsync();

        async Task<IReadOnlyList<object?[]>> ReadAsync(StreamPlan plan, CancellationToken cancellationToken)
        {
            // one file, or several with numbers behind the name
            await using var source = _files.Source("out/" + plan.Object.Replace(".", "*.", StringComparison.Ordinal), ("format", format));
            return await SourceRows.ReadAsync(source, [], plan, cancellationToken);
        }
    }

    private static string Table(int first)
    {
        var text = new StringBuilder("id,name,amount,day\n");
        for (var i = first; i < first + Rows; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i},\"name, {i % 97}\nline\",{i / 4d},{new DateTime(2024, 1, 1).AddDays(i % 500):yyyy-MM-dd}\n");
        return text.ToString();
    }
}
