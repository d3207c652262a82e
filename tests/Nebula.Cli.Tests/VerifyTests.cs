using System.Globalization;
using System.Text.Json;

namespace Nebula.Cli.Tests;

/// <summary><c>nebula verify</c>: what a run committed is proved, or what became of it is said.</summary>
public sealed class VerifyTests : IDisposable
{
    private const int Rows = 3000;
    private readonly NebulaProcess _nebula = new();

    public void Dispose() => _nebula.Dispose();

    [Theory]
    [InlineData("out.csv", "1 MB")]
    [InlineData("out.jsonl", "20 KB")]
    [InlineData("out.parquet", "1 MB")]
    [InlineData("out.csv.gz", "20 KB")]
    [InlineData("parts/p-{part:05}.parquet", "20 KB")]
    public void Verify_AfterARun_ComparesEveryColumn(string target, string chunk)
    {
        var pipeline = Prepare(target, chunk, "chunk");
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
        foreach (var where in (string[])[pipeline, _nebula.Folder])
        {
            var outcome = _nebula.Run("verify", "last", where);
            Assert.Equal("", outcome.Errors);
            Assert.Equal(0, outcome.ExitCode);
            Assert.Matches(@"in\.csv .* 3,000 +3,000 +3 +as committed", outcome.Output);
        }
    }

    [Fact]
    public void Verify_ValueChanged_NamesChunkAndColumn_WithCode6()
    {
        var pipeline = Prepare("out.jsonl", "20 KB", "chunk");
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
        _nebula.Write("out.jsonl", _nebula.Read("out.jsonl").Replace("\"name 2500\"", "\"name 2501\"", StringComparison.Ordinal));
        var outcome = _nebula.Run("verify", "last", pipeline);
        Assert.Equal(6, outcome.ExitCode);
        Assert.Matches("in\\.csv, chunk 3, .*out\\.jsonl: other values in column \"name\"\n", outcome.Output);
        Assert.Contains("DIFFERS", outcome.Output, StringComparison.Ordinal);

        using var json = JsonDocument.Parse(_nebula.Run("verify", "last", pipeline, "--output", "json").Output);
        Assert.False(json.RootElement.GetProperty("matches").GetBoolean());
        var stream = Assert.Single(json.RootElement.GetProperty("streams").EnumerateArray());
        Assert.Equal("differs", stream.GetProperty("outcome").GetString());
        var difference = Assert.Single(stream.GetProperty("differences").EnumerateArray());
        Assert.Equal(3, difference.GetProperty("chunk").GetInt32());
        Assert.Equal(["name"], difference.GetProperty("columns").EnumerateArray().Select(static column => column.GetString()));
    }

    [Fact]
    public void Verify_FileGone_IsCode6()
    {
        var pipeline = Prepare("out.csv", "1 MB", "count");
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
        File.Delete(_nebula.PathOf("out.csv"));
        var outcome = _nebula.Run("verify", "last", pipeline);
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("out.csv' does not exist", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_CountsOnly_FindsLostRows_AndSaysThatValuesWereNotCompared()
    {
        var pipeline = Prepare("out.csv", "1 MB", "count");
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
        var outcome = _nebula.Run("verify", "last", pipeline);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("as many rows as committed", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("--verify chunk", outcome.Output, StringComparison.Ordinal);
        var lines = _nebula.Read("out.csv").Split('\n');
        _nebula.Write("out.csv", string.Join('\n', lines[..^10]) + "\n");
        outcome = _nebula.Run("verify", "last", pipeline);
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("3,000 rows were committed, 2,991 are there", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_RunThatALaterOneReplaced_SaysSo_UnlessItHasAPlaceOfItsOwn()
    {
        foreach (var (target, replaced) in ((string, bool)[])[("out.csv", true), ("out-{run_id}.csv", false)])
        {
            var pipeline = Prepare(target, "1 MB", "chunk");
            Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
            var first = RunIds(pipeline)[0];
            _nebula.Write("in.csv", "id,name,amount\n1,other,2.5\n");
            Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
            var last = RunIds(pipeline)[0];
            Assert.NotEqual(first, last);
            var outcome = _nebula.Run("verify", first, pipeline);
            Assert.Equal(0, outcome.ExitCode);
            Assert.Contains(replaced ? $"run {last} has replaced it" : "as committed", outcome.Output, StringComparison.Ordinal);
            Assert.Contains("as committed", _nebula.Run("verify", last, pipeline).Output, StringComparison.Ordinal);
            Directory.Delete(_nebula.PathOf(".nebula"), recursive: true);
        }
    }

    [Fact]
    public void Verify_RunThatIsNotThere_NamesTheNearest()
    {
        var pipeline = Prepare("out.csv", "1 MB", "chunk");
        Assert.Contains("none has ended yet", _nebula.Run("verify", "last", pipeline).Errors, StringComparison.Ordinal);
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q").ExitCode);
        var outcome = _nebula.Run("verify", RunIds(pipeline)[0][..^1] + "x", pipeline);
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains($"Did you mean '{RunIds(pipeline)[0]}'", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_VerifyFlag_WinsOverTheFile_AndUnknownWordsAreRefused()
    {
        var pipeline = Prepare("out.csv", "1 MB", "off");
        Assert.Equal(0, _nebula.Run("run", pipeline, "-q", "--verify", "chunk").ExitCode);
        Assert.Matches(@"3 +as committed", _nebula.Run("verify", "last", pipeline).Output);
        var outcome = _nebula.Run("run", pipeline, "--verify", "readback");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("readback", outcome.Errors, StringComparison.Ordinal);
    }

    private string Prepare(string target, string chunk, string verify)
    {
        _nebula.Write("in.csv", "id,name,amount\n" + string.Concat(
            Enumerable.Range(0, Rows).Select(
                static i => string.Create(CultureInfo.InvariantCulture, $"{i},name {i},{i / 4.0:0.00}\n"))));
        return _nebula.Write("shop.yaml", $$"""
            source: { type: csv, path: {{_nebula.PathOf("in.csv")}} }
            target: { type: file, path: "{{_nebula.PathOf(target)}}" }
            defaults: { verify: {{verify}}, chunking: { target_size: {{chunk}} } }
            """);
    }

    private List<string> RunIds(string pipeline) =>
        [.. _nebula.Run("runs", pipeline).Output.Split('\n').Skip(1).Where(static line => line.Length > 0).Select(static line => line.Split(' ')[0])];
}
