using System.Globalization;
using System.Text;
using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>CSV becomes JSON and that becomes CSV again, byte for byte: types are found twice, by both formats, and no value changes its meaning.</summary>
public sealed class RoundTripTests : IDisposable
{
    private static readonly string[] Pieces = ["a", "Ü", "😀", ",", "\"", "\n", "\r\n", "\t", "\\", "\u0001", "{}", "null", "x y", "é", "'", ";", "日本", "/"];
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-round-").FullName;

    [Theory]
    [InlineData("lines")]
    [InlineData("array")]
    public async Task CsvToJsonToCsv_AnyTable_GivesTheSameBytes(string layout)
    {
        for (var i = 0; i < 60; i++)
        {
            var seed = (layout == "lines" ? 0 : 1000) + i;
            var text = MakeTable(new Random(seed));
            var (csv, json, back) = (PathOf("in.csv"), PathOf("through.json"), PathOf("back.csv"));
            await File.WriteAllTextAsync(csv, text);
            await RunAsync(new CsvFormat(), csv, new JsonFormat(), json, ("format", layout));
            await RunAsync(new JsonFormat(), json, new CsvFormat(), back);
            var result = await File.ReadAllTextAsync(back);
            Assert.True(text == result, $"seed {seed}:\n{text}\nbecame\n{result}\nthrough\n{await File.ReadAllTextAsync(json)}");
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string MakeTable(Random random)
    {
        var kinds = Enumerable.Range(0, 1 + random.Next(8)).Select(_ => random.Next(7)).ToArray();
        var rows = 1 + random.Next(random.Next(10) == 0 ? 3000 : 40);
        var nulls = random.Next(3) * 0.2;
        var text = new StringBuilder(string.Join(',', kinds.Select(static (_, i) => $"column {i}"))).Append('\n');
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < kinds.Length; i++)
            {
                if (i > 0)
                    text.Append(',');
                // the first row has every value, so that there is no column of nothing, which JSON cannot tell from one of texts
                if (row == 0 || random.NextDouble() >= nulls)
                    text.Append(MakeValue(kinds[i], row, random));
                else if (kinds.Length == 1)
                    text.Append("\"\"");
            }
            text.Append('\n');
        }
        return text.ToString();
    }

    private static string MakeValue(int kind, int row, Random random)
    {
        var day = new DateTime(1900, 1, 1).AddSeconds(random.NextInt64(6_000_000_000));
        return kind switch
        {
            0 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
            1 => random.Next(-200, 200).ToString(CultureInfo.InvariantCulture),
            // more than one number of places: a float, written as short as can be; an odd number of parts, since a whole float is written as 3.0
            2 => row == 0 ? "0.5" : row == 1 ? "0.25" : ((2 * random.Next(1 << 29) + 1) / 1024.0).ToString("R", CultureInfo.InvariantCulture),
            3 => random.Next(2) == 0 ? "true" : "false",
            4 => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            5 => day.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture),
            _ => Quote(string.Concat(
                Enumerable.Range(0, 1 + random.Next(random.Next(8) == 0 ? 80 : 6))
                    .Select(_ => Pieces[random.Next(Pieces.Length)])
                    .Prepend("t"))),
        };
    }

    private static string Quote(string value) =>
        value.AsSpan().IndexOfAny(",\"\r\n") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static async Task RunAsync(IFileFormat from, string source, IFileFormat to, string target, params (string Key, string Value)[] settings)
    {
        using var pool = new BufferPool();
        var input = new FileSource(Options("source", Connectors.Files.FileOptions.ForSource(from), source), from, new LocalStore());
        await using (input.ConfigureAwait(true))
        {
            var output = new FileDestination(Options("target", Connectors.Files.FileOptions.ForDestination(to), target, settings), to, new LocalStore());
            await using (output.ConfigureAwait(true))
                await new StreamRun(input, output, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, pool, "run")
                    .RunAsync(new StreamRequest(), CancellationToken.None);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static OptionValues Options(
        string owner, IReadOnlyList<OptionDescriptor> known, string path, params (string Key, string Value)[] settings) => new(
        owner, known,
        settings.Append(("path", path))
            .Select(static setting => KeyValuePair.Create(setting.Item1, new OptionValue([setting.Item2], new SourceLocation("test")))));

    private string PathOf(string name) => Path.Combine(_folder, name);
}
