using Nebula.Connectors.Files.Output;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Files in folders named after values.</summary>
public sealed class PartitionedSourceTests : IDisposable
{
    private readonly FileRun _files = new();

    public PartitionedSourceTests()
    {
        _files.Write("in/year=2023/c=x%2Fy/a.csv", "id\n1\n2\n");
        _files.Write("in/year=2024/c=__HIVE_DEFAULT_PARTITION__/b.csv", "id\n3\n");
    }

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("in")]
    [InlineData("in/**/*.csv")]
    public async Task Read_Folders_AreColumns(string path)
    {
        var result = await _files.RunAsync(path, "out.jsonl");
        Assert.Equal(
            "{\"id\":1,\"year\":2023,\"c\":\"x/y\"}\n{\"id\":2,\"year\":2023,\"c\":\"x/y\"}\n{\"id\":3,\"year\":2024,\"c\":null}\n",
            _files.Read("out.jsonl"));
        Assert.Equal(DataType.Int64, result.Plan.Schema.Fields[1].Type);
    }

    [Fact]
    public async Task Read_ColumnsOfFoldersOnly_CountsRows()
    {
        var place = new SourceLocation("test");
        var select = ColumnSelection.Parse(new ConfigList([new ConfigScalar("c", place), new ConfigScalar("year", place)], place));
        await _files.RunAsync("in", "out.jsonl", new StreamRequest { Select = select });
        Assert.Equal("{\"c\":\"x/y\",\"year\":2023}\n{\"c\":\"x/y\",\"year\":2023}\n{\"c\":null,\"year\":2024}\n", _files.Read("out.jsonl"));
    }

    [Fact]
    public async Task Read_CastAndRenamed_AreThat()
    {
        var request = new StreamRequest
        {
            Types = new Dictionary<string, DataType> { ["year"] = DataType.String, ["id"] = DataType.Int8 },
            Names = new Dictionary<string, string> { ["year"] = "jahr" },
        };
        await _files.RunAsync("in/year=2023/**/*.csv", "one.jsonl", new StreamRequest());
        await _files.RunAsync("in", "out.jsonl", request);
        Assert.StartsWith("{\"id\":1,\"jahr\":\"2023\",\"c\":\"x/y\"}\n", _files.Read("out.jsonl"), StringComparison.Ordinal);
        Assert.Equal("{\"id\":1,\"c\":\"x/y\"}\n{\"id\":2,\"c\":\"x/y\"}\n", _files.Read("one.jsonl"));
    }

    [Fact]
    public async Task Read_CastThatFails_NamesTheFolder()
    {
        var request = new StreamRequest { Types = new Dictionary<string, DataType> { ["c"] = DataType.Int64 } };
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("in", "out.jsonl", request));
        Assert.Contains("'x/y', which is no int64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_FoldersDiffer_AreColumnsOnlyWhenTheyMust()
    {
        _files.Write("in/plain.csv", "id\n9\n");
        await _files.RunAsync("in", "out.jsonl");
        Assert.Equal("{\"id\":9}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n".Split('\n').Order(), _files.Read("out.jsonl").Split('\n').Order());
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in", "out.jsonl", null, ("source.hive_partitioning", "true")));
        Assert.Contains("hive_partitioning", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_SwitchedOff_HasTheFilesOwnColumns()
    {
        await _files.RunAsync("in", "out.csv", null, ("source.hive_partitioning", "false"));
        Assert.Equal("id\n1\n2\n3\n", _files.Read("out.csv"));
    }

    [Fact]
    public async Task Read_FilesThatHaveTheColumn_KeepTheirs()
    {
        _files.Write("own/k=a/f.csv", "k,v\nmine,1\n");
        await _files.RunAsync("own", "out.csv");
        Assert.Equal("k,v\nmine,1\n", _files.Read("out.csv"));
    }

    [Theory]
    [InlineData("country", "DE", "country=DE")]
    [InlineData("a=b", "c/d", "a%3Db=c%2Fd")]
    [InlineData("k", null, "k=__HIVE_DEFAULT_PARTITION__")]
    [InlineData("k", "x%41\u0001\"'*:?\\{[]^#", "k=x%2541%01%22%27%2A%3A%3F%5C%7B%5B%5D%5E%23")]
    [InlineData("größe", "ä b}", "größe=ä b}")]
    public void HiveNames_RenderedAndParsed_AreTheSame(string key, string? value, string folder)
    {
        Assert.Equal(folder, HiveNames.Render(key, value));
        Assert.Equal((key, value), HiveNames.Parse(folder));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("=x")]
    public void HiveNames_OtherFolders_AreNone(string folder) => Assert.Null(HiveNames.Parse(folder));
}
