using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Arrow;

/// <summary>Files of other Arrow libraries, old and new, little- and big-endian, as file and as stream.</summary>
public partial class ArrowConformanceTests(ITestOutputHelper output)
{
    private static readonly ArrowFormat Format = new();

    /// <summary>Files that hold decimals of more than 38 digits: refused, as the format's README says.</summary>
    private static readonly string[] TooManyDigits = ["arrow/1.0.0-littleendian/generated_decimal256"];

    /// <summary>
    /// Files of Arrow 0.17 that mark their compression where only that version looked for it. The reader behind their expectations did not know and took
    /// compressed bytes
    /// for values; what they hold is known from a file with the same rows, and by how it was made.
    /// </summary>
    private static readonly Dictionary<string, string[]> CompressedBeforeTheFormatSaidHow = new()
    {
        ["arrow/feather/data-arrow_0.17.0_lz4.feather"] = ["""{"a":"one","b":2,"c":{"c1":"inner","c2":4,"c3":50},"d":"four"}"""],
        ["arrow/feather/data-arrow_0.17.0_zstd.feather"] = ["""{"a":"one","b":2,"c":{"c1":"inner","c2":4,"c3":50},"d":"four"}"""],
        ["arrow/feather/v0.17.0.version.2-compression.lz4.feather"] = ["""{"a":0}""", """{"a":1}""", """{"a":2}""", """{"a":3}""", """{"a":4}"""],
    };

    [Fact]
    public void Read_FilesOfTheSuite_EqualTheirExpectations()
    {
        if (!SharedFixtures.TryFind("arrow", output, out _))
            return;
        var problems = new List<string>();
        var read = 0;
        foreach (var unit in ContainerFixtures.Units("arrow"))
            foreach (var path in PathsOf(unit))
            {
                var problem = TooManyDigits.Contains(unit.Name) ? RefusedForDigits(path) : Compare(unit, path);
                read++;
                if (problem is not null)
                    problems.Add($"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}: {problem}");
            }
        output.WriteLine($"{read} files");
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.True(read > 120, $"only {read} files were found");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    public void Read_SmallBlocks_GiveTheSameRows(int blockSize)
    {
        if (!SharedFixtures.TryFind("arrow", output, out _))
            return;
        foreach (var unit in ContainerFixtures.Units("arrow").Where(static unit => !TooManyDigits.Contains(unit.Name)))
            foreach (var path in PathsOf(unit))
                Assert.Equal(ContainerFixtures.Read(Format, path).Lines, ContainerFixtures.Read(Format, path, blockSize).Lines);
    }

    [Fact]
    public void Read_BadFiles_AreRefusedOrRead()
    {
        if (!SharedFixtures.TryFind("arrow-bad", output, out _))
            return;
        var problems = new List<string>();
        foreach (var unit in ContainerFixtures.Units("arrow-bad"))
        {
            var refusal = ContainerFixtures.Refusal(() => ContainerFixtures.Read(Format, unit.Path));
            output.WriteLine($"{unit.Verdict} {unit.Name}: {refusal?.Message ?? "read"}");
            if (unit.Verdict == "reject" && refusal is null)
                problems.Add($"{unit.Name} was read; others say {unit.Note}");
            else if (unit.Verdict == "read" && refusal is not null)
                problems.Add($"{unit.Name} was refused: {refusal.Message}");
            else if (refusal is not null && refusal.Location is null)
                problems.Add($"{unit.Name}: the error does not say where: {refusal.Message}");
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public void Read_EachColumnAlone_GivesWhatAllTogetherGive()
    {
        if (!SharedFixtures.TryFind("arrow", output, out _))
            return;
        foreach (var unit in ContainerFixtures.Units("arrow").Where(static unit => !TooManyDigits.Contains(unit.Name)))
            foreach (var path in PathsOf(unit).Take(1))
            {
                using var pool = new BufferPool();
                var whole = ColumnReading.Read(Format, path, pool, null);
                for (var i = 0; i < whole.Schema.Fields.Length; i++)
                    Assert.Equal(whole.Values.Select(row => row[i]), ColumnReading.Read(Format, path, pool, [i]).Values.Select(static row => row[0]));
                Assert.Equal(whole.Values.Count, ColumnReading.Read(Format, path, pool, []).Values.Count);
                Assert.Equal(0, pool.Outstanding);
            }
    }

    [Fact]
    public void Read_ColumnsThatFitOfAFileThatDoesNot_EqualTheirExpectation()
    {
        if (!SharedFixtures.TryFind("arrow", output, out var folder))
            return;
        using var pool = new BufferPool();
        var path = Path.Combine(folder, "1.0.0-littleendian", "generated_decimal256.arrow_file");
        var expected = File.ReadLines(path + ".expected.jsonl").Select(static line => ColumnReading.Split(line).Take(2).Select(static member => member.Value));
        var read = ColumnReading.Read(Format, path, pool, [0, 1]).Values;
        Assert.Equal(expected, read.Take(expected.Count()));
    }

    [Fact]
    public void Inspect_FilesOfTheSuite_Succeeds()
    {
        if (!SharedFixtures.TryFind("arrow", output, out _))
            return;
        foreach (var path in ContainerFixtures.Units("arrow").SelectMany(PathsOf))
        {
            using var pool = new BufferPool();
            using (var file = Format.Open(new MemoryBytes(path, File.ReadAllBytes(path)), ColumnReading.NoOptions(Format), pool))
                Assert.True(file.Inspect().Tables.Count >= 2);
            Assert.Equal(0, pool.Outstanding);
        }
    }

    private static IEnumerable<string> PathsOf(ContainerUnit unit) =>
        new[] { unit.Path, unit.Path + ".arrow_file", unit.Path + ".stream" }.Where(File.Exists);

    private static string? Compare(ContainerUnit unit, string path)
    {
        ContainerContent content;
        try
        {
            content = ContainerFixtures.Read(Format, path);
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            return e.ToString();
        }
        if (CompressedBeforeTheFormatSaidHow.TryGetValue(unit.Name, out var rows))
            return content.Lines.SequenceEqual(rows) ? null : string.Join('\n', content.Lines);
        // The expectation lies beside the file format's variant.
        var expected = File.Exists(path + ".schema.json") ? path : unit.Path + ".arrow_file";
        return File.Exists(expected + ".schema.json") ? ContainerFixtures.Compare(unit with { Path = expected }, AsExpected(content, expected)) : null;
    }

    /// <summary>What is of another type here, and documented so, back in the form of the expectations: unions are bare values there, days in milliseconds
    /// dates where they are whole.</summary>
    private static ContainerContent AsExpected(ContainerContent content, string path)
    {
        var columns = JsonNode.Parse(File.ReadAllText(path + ".schema.json"))!["columns"]!.AsArray();
        var isUnion = columns.Select(static column => column!["type"] is JsonObject type && (string?)type["name"] == "union").ToArray();
        var isDate = columns.Select(static column => column!["type"] is JsonObject type && (string?)type["name"] == "date"
            && (string?)type["unit"] == "MILLISECOND").ToArray();
        if (!isUnion.Contains(true) && !isDate.Contains(true))
            return content;
        var lines = new List<string>();
        foreach (var line in content.Lines)
        {
            var values = ColumnReading.Split(line);
            for (var i = 0; i < values.Count; i++)
            {
                var (name, value) = values[i];
                if (isUnion[i] && value.StartsWith('{'))
                    value = ColumnReading.Split(value).Select(static member => member.Value).FirstOrDefault(static member => member != "null") ?? "null";
                if (isDate[i])
                    value = Midnight().Replace(value, "\"");
                values[i] = (name, value);
            }
            lines.Add("{" + string.Join(',', values.Select(static value => $"{value.Name}:{value.Value}")) + "}");
        }
        return content with { Lines = lines };
    }

    private static string? RefusedForDigits(string path)
    {
        var refusal = ContainerFixtures.Refusal(() => ContainerFixtures.Read(Format, path));
        return refusal is { Location.Column: not null } && refusal.Message.Contains("digits", StringComparison.Ordinal) ? null
            : $"not refused as it should be: {refusal?.Message}";
    }

    [GeneratedRegex("T00:00:00\\.000000\"$")]
    private static partial Regex Midnight();
}
