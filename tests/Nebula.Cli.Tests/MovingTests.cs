using System.Security.Cryptography;
using System.Text;

namespace Nebula.Cli.Tests;

/// <summary>The main job: rows in, rows out.</summary>
public sealed class MovingTests : IDisposable
{
    private const string Users = "id,name,note\n1,Alice,\"a, b\"\n2,Bob,\n3,Carol,\"line\nbreak\"\n";
    private readonly NebulaProcess _nebula = new();

    public MovingTests() => _nebula.Write("users.csv", Users);

    [Theory]
    [InlineData("lines",
        "{\"id\":1,\"name\":\"Alice\",\"note\":\"a, b\"}\n{\"id\":2,\"name\":\"Bob\",\"note\":null}\n"
        + "{\"id\":3,\"name\":\"Carol\",\"note\":\"line\\nbreak\"}\n")]
    [InlineData("array",
        "[\n{\"id\":1,\"name\":\"Alice\",\"note\":\"a, b\"},\n{\"id\":2,\"name\":\"Bob\",\"note\":null},\n"
        + "{\"id\":3,\"name\":\"Carol\",\"note\":\"line\\nbreak\"}\n]\n")]
    public void Pipeline_CsvToJson_WritesTheFormat(string format, string expected)
    {
        var outcome = _nebula.Run("pipeline", "csv", "json", "--source-path", "users.csv", "--dest-path", "out/users.json", "--format", format);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(expected, _nebula.Read("out/users.json"));
        Assert.Contains("read 3 = written 3 + skipped 0 + quarantined 0", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public void Pipeline_CsvToCsv_KeepsEveryByteThatMeansSomething()
    {
        Assert.Equal(0, _nebula.Run("pipeline", "users.csv", "copy.csv", "--quiet").ExitCode);
        Assert.Equal(Users, _nebula.Read("copy.csv"));
    }

    [Fact]
    public void Pipeline_ThereAndBack_GivesTheSameRows()
    {
        Assert.Equal(0, _nebula.Run("pipeline", "users.csv", "users.jsonl", "-q").ExitCode);
        Assert.Equal(0, _nebula.Run("pipeline", "users.jsonl", "back.csv", "-q").ExitCode);
        Assert.Equal(Users, _nebula.Read("back.csv"));
    }

    [Fact]
    public void Pipeline_SelectAndLimit_TakeColumnsAndRows()
    {
        Assert.Equal(0, _nebula.Run("pipeline", "users.csv", "-", "--set", "target.format=csv", "--select", "name,id", "--limit", "2", "-q").ExitCode);
        Assert.Equal("name,id\nAlice,1\nBob,2\n", _nebula.Run("pipeline", "csv", "csv", "--source-path", "users.csv", "--dest-path", "-", "--select",
            "name,id", "--limit", "2", "-q").Output);
    }

    [Fact]
    public void Pipeline_Quiet_SaysNothing()
    {
        var outcome = _nebula.Run("pipeline", "users.csv", "o.csv", "--quiet");
        Assert.Equal(("", ""), (outcome.Output, outcome.Errors));
    }

    [Fact]
    public async Task Pipeline_StandardStreams_CarryEveryRow()
    {
        // larger than any buffer on the way, with rows that are cut anywhere by the pipe
        const int Rows = 300_000;
        var text = new StringBuilder("id,name,note\n");
        for (var i = 0; i < Rows; i++)
            text.Append(i).Append(",name ").Append(i % 977).Append(i % 7 == 0 ? ",\"a \"\"quoted\"\"\nnote, "
                : ",plain ").Append(i).Append(i % 7 == 0 ? "\"\n" : "\n");
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        await File.WriteAllBytesAsync(_nebula.PathOf("big.csv"), bytes);

        var piped = await _nebula.RunAsync(["pipeline", "csv", "csv", "--source-path", "-", "--dest-path", "-"], new MemoryStream(bytes));
        Assert.Equal(0, piped.ExitCode);
        Assert.Contains("read 300,000 = written 300,000 + skipped 0 + quarantined 0", piped.Errors, StringComparison.Ordinal);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(Encoding.UTF8.GetBytes(piped.Output)));

        var json = await _nebula.RunAsync(["pipeline", "csv", "json", "--source-path", "-", "--dest-path", "-", "-q"], new MemoryStream(bytes));
        Assert.Equal(0, _nebula.Run("pipeline", "csv", "json", "--source-path", "big.csv", "--dest-path", "big.jsonl", "-q").ExitCode);
        Assert.Equal(_nebula.Read("big.jsonl"), json.Output);
    }

    [Fact]
    public async Task Pipeline_ReaderOfOutputGone_EndsQuietlyAndSoon()
    {
        if (OperatingSystem.IsWindows())
            return;
        // without an end of the input, only the closed pipe can end it
        var outcome = await _nebula.ShellAsync(
            """(echo id; yes 12345) | { "$NEBULA" pipeline csv csv --source-path - --dest-path -; echo "code $?" >&2; } | head -n 2""");
        Assert.Equal("id\n12345\n", outcome.Output);
        Assert.Contains("code 0", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("error", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipeline_OutputToAFileThatOthersWriteToo_Appends()
    {
        if (OperatingSystem.IsWindows())
            return;
        await _nebula.ShellAsync("""(echo before; "$NEBULA" pipeline csv csv --source-path users.csv --dest-path - -q --select id; echo after) > all.txt""");
        Assert.Equal("before\nid\n1\n2\n3\nafter\n", _nebula.Read("all.txt"));
    }

    [Fact]
    public void Pipeline_LimitReached_DoesNotWaitForTheRestOfTheInput()
    {
        using var process = _nebula.Start("pipeline", "csv", "csv", "--source-path", "-", "--dest-path", "-", "--limit", "1", "-q", "--set",
            "sample_size=4KiB");
        // the input stays open
        try
        {
            process.StandardInput.Write("id\n" + string.Concat(Enumerable.Repeat("7\n", 2_000_000)));
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // it has had enough, and is gone
        }
        Assert.Equal("id\n7\n", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public void Pipeline_SeveralFiles_BecomeOneStream()
    {
        _nebula.Write("in/a.csv", "id\n1\n");
        _nebula.Write("in/b.csv", "id\n2\n");
        var outcome = _nebula.Run("pipeline", "csv", "csv", "--source-path", "in/*.csv", "--dest-path", "all.csv");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("id\n1\n2\n", _nebula.Read("all.csv"));
    }

    [Theory]
    [InlineData("in.csv", "id,name\n", "out.jsonl", 0, "")]
    [InlineData("in.csv", "id,name\n", "out.csv", 0, "id,name\n")]
    [InlineData("in.csv", "", "out.jsonl", 5, "in.csv has no columns: it is empty")]
    [InlineData("in.json", "[]", "out.jsonl", 0, "")]
    [InlineData("in.json", "[ ]\n", "out.csv", 5, "The destination cannot hold a table without columns")]
    [InlineData("in.jsonl", "", "out.jsonl", 0, "")]
    [InlineData("in.jsonl", "\n", "out.csv", 5, "The destination cannot hold a table without columns")]
    public void Pipeline_SourceWithoutRecords_GivesNoRows(string source, string content, string target, int code, string expected)
    {
        _nebula.Write(source, content);
        var outcome = _nebula.Run("pipeline", source, target);
        Assert.Equal(code, outcome.ExitCode);
        if (code == 0)
            Assert.Equal(expected, _nebula.Read(target));
        else
            Assert.Contains(expected, outcome.ErrorLines, StringComparison.Ordinal);
        Assert.Equal(code == 0, _nebula.Exists(target));
    }

    [Fact]
    public void Discover_FirstRecordLargerThanTheSample_StillFindsTypes()
    {
        _nebula.Write("giant.csv", $"id,body,day\n1,{new string('x', 40_000)},2024-02-29\n2,y,2024-03-01\n");
        var names = string.Join(',', Enumerable.Range(0, 3000).Select(static i => $"number_{i}"));
        _nebula.Write("head.csv", $"{names}\n{string.Join(',', Enumerable.Range(0, 3000))}\n");
        var giant = _nebula.Run("discover", "giant.csv", "--set", "sample_size=4KiB").Output;
        Assert.Matches("id +int64\n", giant);
        Assert.Matches("day +date\n", giant);
        Assert.Matches("number_2999 +int64\n", _nebula.Run("discover", "head.csv", "--set", "sample_size=4KiB").Output);
    }

    [Theory]
    [InlineData("1,Alice", "-")]
    [InlineData("{\"id\":1", "-", "--to", "json")]
    [InlineData("[\n{\"id\":1", "-", "--format", "array")]
    public void Pipeline_PathsAlone_NeedNoConnectors(string expected, params string[] target)
    {
        var outcome = _nebula.Run(["pipeline", "users.csv", .. target, "-q"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains(expected, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Preview_JsonFile_IsDataUnlessItIsAPipeline()
    {
        _nebula.Write("data.json", """[{"source":"a","target":"b"}]""");
        _nebula.Write("one.json", """{"source":"a","target":"b","price":1}""");
        _nebula.Write("pipeline.json", """{"source":{"type":"csv","path":"users.csv"},"target":{"type":"csv","path":"out.csv"}}""");
        Assert.StartsWith("data.json:\nsource  target\na", _nebula.Run("preview", "data.json").Output, StringComparison.Ordinal);
        Assert.StartsWith("one.json:\nsource  target  price\na", _nebula.Run("preview", "one.json").Output, StringComparison.Ordinal);
        Assert.StartsWith("users.csv:\nid  name", _nebula.Run("preview", "pipeline.json").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipeline_NamedPipe_CarriesEveryRow()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var outcome = await _nebula.ShellAsync("""mkfifo rows; cat users.csv > rows & "$NEBULA" pipeline csv csv --source-path rows --dest-path - -q""");
        Assert.Equal(Users, outcome.Output);
    }

    [Fact]
    public void Discover_CsvFile_ShowsColumnsAndDialect()
    {
        _nebula.Write("semi.csv", "id;price;day\n1;2.50;2024-01-31\n2;3.75;2024-02-01\n");
        var text = _nebula.Run("discover", "semi.csv");
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("delimiter: ';'", text.Output, StringComparison.Ordinal);
        Assert.Matches("1  id +int64\n", text.Output);
        Assert.Matches("3  day +date\n", text.Output);
        var json = System.Text.Json.JsonDocument.Parse(_nebula.Run("discover", "csv", "--source-path", "semi.csv", "--output", "json").Output);
        Assert.Equal("semi.csv", json.RootElement[0].GetProperty("name").GetString());
        Assert.Equal("date", json.RootElement[0].GetProperty("columns")[2].GetProperty("type").GetString());
    }

    [Fact]
    public void Preview_EachOutput_ShowsTheFirstRows()
    {
        var table = _nebula.Run("preview", "users.csv", "--limit", "3");
        Assert.Equal("users.csv:\nid  name   note\n 1  Alice  a, b\n 2  Bob    null\n 3  Carol  line\\nbreak\n\n", table.Output);
        Assert.Equal("{\"id\":1,\"name\":\"Alice\",\"note\":\"a, b\"}\n", _nebula.Run("preview", "users.csv", "--limit", "1", "--output", "json").Output);
        Assert.Equal("id,name,note\n1,Alice,\"a, b\"\n", _nebula.Run("preview", "users.csv", "--limit", "1", "--output", "csv").Output);
    }

    [Fact]
    public void Check_LeavesNothingBehind()
    {
        var outcome = _nebula.Run("check", "users.csv", "new/folder/out.csv");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["users.csv"], _nebula.Files());
        Assert.False(Directory.Exists(_nebula.PathOf("new")));
        Assert.Equal(3, _nebula.Run("check", "nothing.csv").ExitCode);
    }

    public void Dispose() => _nebula.Dispose();
}
