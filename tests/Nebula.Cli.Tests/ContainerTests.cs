using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Nebula.Cli.Tests;

/// <summary>Parquet, Arrow, Avro and ORC through the program.</summary>
public sealed class ContainerTests : IDisposable
{
    private const int Rows = 5000;
    private readonly NebulaProcess _nebula = new();

    public ContainerTests() => _nebula.Write("rows.jsonl", CreateRows());

    public static TheoryData<string, string> Formats => new()
    {
        { "parquet", "rows.parquet" },
        { "arrow", "rows.arrow" },
        { "avro", "rows.avro" },
        { "orc", "rows.orc" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_ThereAndBack_GivesTheSameRows(string format, string file)
    {
        Succeed("pipeline", "json", format, "--source-path", "rows.jsonl", "--dest-path", file, "-q");
        Succeed("pipeline", format, "json", "--source-path", file, "--dest-path", "back.jsonl", "-q");
        Assert.Equal(_nebula.Read("rows.jsonl"), _nebula.Read("back.jsonl"));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_EveryFormatToEveryOther_GivesTheSameRows(string format, string file)
    {
        Succeed("pipeline", "rows.jsonl", file, "-q");
        foreach (var (other, _) in Formats.Select(static row => ((string)row[0], (string)row[1])))
        {
            Succeed("pipeline", file, $"from-{format}.{other}", "-q");
            Succeed("pipeline", $"from-{format}.{other}", "back.jsonl", "-q");
            Assert.Equal(_nebula.Read("rows.jsonl"), _nebula.Read("back.jsonl"));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_SelectRenameLimit_TakesColumnsAndRows(string format, string file)
    {
        Succeed("pipeline", "rows.jsonl", file, "-q");
        Assert.Equal("text,id\nrow 0,0\n,1\n", Succeed(
            "pipeline", format, "csv", "--source-path", file, "--dest-path", "-", "--select", "text,id", "--limit", "2", "-q").Output);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_LimitWritten_HasThatManyRows(string format, string file)
    {
        Succeed("pipeline", "json", format, "--source-path", "rows.jsonl", "--dest-path", file, "--limit", "1234", "-q");
        Succeed("pipeline", file, "back.jsonl", "-q");
        Assert.Equal(1234, File.ReadLines(_nebula.PathOf("back.jsonl")).Count());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Pipeline_StandardStreamsAndCompressed_CarryEveryRow(string format, string file)
    {
        Succeed("pipeline", "rows.jsonl", file, "-q");
        await using (var input = File.OpenRead(_nebula.PathOf(file)))
        {
            var outcome = await _nebula.RunAsync(["pipeline", format, "json", "--source-path", "-", "--dest-path", "-", "-q"], input);
            Assert.Equal(_nebula.Read("rows.jsonl"), outcome.Output);
        }
        await using (var zipped = new GZipStream(File.Create(_nebula.PathOf(file + ".gz")), CompressionLevel.Fastest))
            await zipped.WriteAsync(await File.ReadAllBytesAsync(_nebula.PathOf(file)));
        Succeed("pipeline", file + ".gz", "back.jsonl", "-q");
        Assert.Equal(_nebula.Read("rows.jsonl"), _nebula.Read("back.jsonl"));
        var written = await _nebula.ShellAsync(
            $"\"$NEBULA\" pipeline json {format} --source-path rows.jsonl --dest-path - -q > piped{Path.GetExtension(file)}");
        Assert.Equal(0, written.ExitCode);
        Succeed("pipeline", "piped" + Path.GetExtension(file), "again.jsonl", "-q");
        Assert.Equal(_nebula.Read("rows.jsonl"), _nebula.Read("again.jsonl"));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_SeveralFilesOfDifferentColumns_AreOneStream(string format, string file)
    {
        var extension = Path.GetExtension(file);
        _nebula.Write("a.jsonl", "{\"id\":1,\"x\":1}\n");
        _nebula.Write("b.jsonl", "{\"id\":2,\"x\":2,\"y\":\"new\"}\n");
        Succeed("pipeline", "a.jsonl", "parts/a" + extension, "-q");
        Succeed("pipeline", "b.jsonl", "parts/b" + extension, "-q");
        Succeed("pipeline", format, "json", "--source-path", "parts/*" + extension, "--dest-path", "both.jsonl", "--set", "single=true", "-q");
        Assert.Equal("{\"id\":1,\"x\":1,\"y\":null}\n{\"id\":2,\"x\":2,\"y\":\"new\"}\n", _nebula.Read("both.jsonl"));
    }

    [Fact]
    public void Pipeline_SeveralFilesOfTypesWithNothingInCommon_SaysWhichAndWhatToDo()
    {
        _nebula.Write("a.jsonl", "{\"x\":1}\n");
        _nebula.Write("b.jsonl", "{\"x\":[2]}\n");
        Succeed("pipeline", "a.jsonl", "parts/a.parquet", "-q");
        Succeed("pipeline", "b.jsonl", "parts/b.parquet", "-q");
        var outcome = _nebula.Run("pipeline", "parquet", "json", "--source-path", "parts/*.parquet", "--dest-path", "both.jsonl", "--set", "single=true", "-q");
        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("Column \"x\" is int64 in the files before and list<int64> in this one", outcome.Errors, StringComparison.Ordinal);
        Assert.Contains("b.parquet", outcome.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Inspect_AFile_ShowsWhatIsInside(string format, string file)
    {
        Succeed("pipeline", "rows.jsonl", file, "-q");
        Assert.Contains("rows", Succeed("inspect", file).Output, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Succeed("inspect", format, "--source-path", file, "--output", "json").Output);
        Assert.Contains(json.RootElement[0].EnumerateObject(), static property => property.Value.ValueKind == JsonValueKind.Array);
        Assert.Contains("id", Succeed("discover", file).Output, StringComparison.Ordinal);
        Assert.Contains("row 0", Succeed("preview", file, "--limit", "1").Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Pipeline_FileCutOff_IsRefusedAndLeavesTheTargetAlone(string format, string file)
    {
        Succeed("pipeline", "rows.jsonl", file, "-q");
        var bytes = File.ReadAllBytes(_nebula.PathOf(file));
        foreach (var length in (int[])[0, 3, bytes.Length / 2, bytes.Length - 1])
        {
            File.WriteAllBytes(_nebula.PathOf(file), bytes[..length]);
            _nebula.Write("target.jsonl", "before");
            var outcome = _nebula.Run("pipeline", format, "json", "--source-path", file, "--dest-path", "target.jsonl", "-q");
            Assert.Equal(5, outcome.ExitCode);
            Assert.Contains(file, outcome.Errors, StringComparison.Ordinal);
            Assert.Equal("before", _nebula.Read("target.jsonl"));
            Assert.Empty(_nebula.TemporaryFiles());
        }
    }

    public void Dispose() => _nebula.Dispose();

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _nebula.Run(arguments);
        Assert.True(outcome.ExitCode == 0, $"nebula {string.Join(' ', arguments)} ended with {outcome.ExitCode}:\n{outcome.Errors}");
        return outcome;
    }

    private static string CreateRows()
    {
        var text = new StringBuilder();
        for (var i = 0; i < Rows; i++)
        {
            var name = i % 7 == 1 ? "null" : $"\"row {i}\"";
            var number = (i * 0.25).ToString("0.0###", CultureInfo.InvariantCulture);
            var list = i % 3 == 0 ? "null" : i % 3 == 1 ? "[]" : $"[{i},null,{i + 1}]";
            var at = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddMinutes(i).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
            text
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{{\"id\":{i},\"text\":{name},\"number\":{number},\"flag\":{(i % 2 == 0 ? "true" : "false")},\"at\":\"{at}\",")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"\"list\":{list},\"nested\":{{\"a\":{(i % 5 == 0 ? "null" : $"\"a{i % 10}\"")},\"b\":{{\"c\":{i % 100}}}}}}}\n");
        }
        return text.ToString();
    }
}
