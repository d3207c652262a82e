using Nebula.Connectors.Files;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>From a file to a file: it appears whole or not at all, and its text is that of the source.</summary>
public sealed class CsvFileDestinationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-csv-").FullName;

    [Theory]
    [InlineData("a,b\n1,2\n", "a,b\n1,2\n")]
    [InlineData("a;b\r\n007;\"x;y\"\r\n", "a,b\n007,x;y\n")]
    [InlineData("a,b\n\"\",\n\"1,5\",1E5\n", "a,b\n\"\",\n\"1,5\",1E5\n")]
    [InlineData("a,b\n", "a,b\n")]
    [InlineData("1,2\n3,4\n", "column0,column1\n1,2\n3,4\n")]
    public async Task Run_FileToFile_KeepsTheText(string input, string expected)
    {
        var result = await RunAsync(input);
        Assert.Equal(expected, await File.ReadAllTextAsync(Out));
        Assert.Equal([Out], result.Receipt.Locations);
        Assert.Equal(new FileInfo(Out).Length, result.StoredBytes);
        Assert.Equal(["in.csv", "out.csv"], Files());
    }

    [Fact]
    public async Task Run_CanonicalFile_IsCopiedByteByByte()
    {
        var random = new Random(81);
        var text = string.Concat(Enumerable.Range(0, 40_000)
            .Select(i => $"{i},{new string('x', random.Next(60))}y,\"q\"\"{i}\n\",,\"\"\n")
            .Prepend("id,text,quoted,null,empty\n"));
        await RunAsync(text);
        Assert.Equal(text, await File.ReadAllTextAsync(Out));
    }

    [Fact]
    public async Task Run_Fails_LeavesTheOldFileAndNothingElse()
    {
        await File.WriteAllTextAsync(Out, "old");
        await Assert.ThrowsAsync<DataFormatException>(() => RunAsync("a,b\n1,2\n3\n"));
        Assert.Equal("old", await File.ReadAllTextAsync(Out));
        Assert.Equal(["in.csv", "out.csv"], Files());
    }

    [Fact]
    public async Task Run_EndsWhereAnotherRunDied_RemovesWhatThatLeft()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, ".out.csv.dead.nebula-tmp"), "half");
        await RunAsync("a,b\n1,2\n");
        Assert.Equal(["in.csv", "out.csv"], Files());
    }

    [Fact]
    public async Task Run_RenamedColumn_IsWrittenUnderItsNewName()
    {
        await RunAsync("a,b,c\n1,2,3\n", new StreamRequest { Names = new Dictionary<string, string> { ["a"] = "A" } });
        Assert.Equal("A,b,c\n1,2,3\n", await File.ReadAllTextAsync(Out));
    }

    [Fact]
    public async Task Run_FixedTypes_AreChecked()
    {
        var e = await Assert.ThrowsAsync<DataFormatException>(
            () => RunAsync(
                "a,b\n1,2\n1,x\n",
                new StreamRequest { Types = new Dictionary<string, DataType> { ["b"] = DataType.Int64 } }));
        Assert.Equal((3L, "b"), (e.Location!.Value.Line, e.Location.Value.Column));
    }

    [Fact]
    public void FileDetails_OddNames_AreReadBack()
    {
        Nebula.Connectors.ObjectStores.StoredObject[] files =
            [new("/x/a\nb.csv", "a\nb.csv", 3, "v1"), new("-", "stdin", null), new("/x/\u001f\\", "\u001f\\", 0)];
        Assert.Equal(files, FileDetails.ParseFiles(FileDetails.Render(files)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Out => Path.Combine(_folder, "out.csv");

    private IEnumerable<string> Files() => Directory.EnumerateFiles(_folder).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private async Task<StreamResult> RunAsync(string input, StreamRequest? request = null)
    {
        var path = Path.Combine(_folder, "in.csv");
        await File.WriteAllTextAsync(path, input);
        var csv = new ConnectorRegistry().AddFiles().Find("csv")!;
        using var pool = new BufferPool();
        await using var source = csv.Source(new OptionValues("source \"csv\"", csv.SourceOptions!, Options(path)));
        await using var destination = csv.Destination(new OptionValues("destination \"csv\"", csv.DestinationOptions!, Options(Out)));
        try
        {
            return await new StreamRun(source, destination, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, pool, "run")
                .RunAsync(request ?? new StreamRequest(), default);
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
        }
    }

    private static KeyValuePair<string, OptionValue>[] Options(string path) =>
        [KeyValuePair.Create("path", new OptionValue([path], new SourceLocation("test")))];
}
