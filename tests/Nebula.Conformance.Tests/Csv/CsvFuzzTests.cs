using System.Diagnostics;
using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Csv;

/// <summary>
/// Whatever the bytes are: rows, rejected rows, or an error that Nebula understands. No other exception, no endless loop, no buffer left out.
/// </summary>
public sealed class CsvFuzzTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"nebula-fuzz-{Guid.NewGuid():n}.csv");

    [Fact]
    public async Task Read_FilesThatBrokeOtherReaders_EndsInOrder()
    {
        if (!SharedFixtures.TryFind("csv-fuzz", output, out var folder))
            return;
        int read = 0, refused = 0;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            foreach (var settings in (Dictionary<string, string>[])[[], new() { ["null_padding"] = "true" },
                new() { ["quote"] = "none", ["header"] = "false" }])
                _ = await EndsInOrderAsync(path, settings, path) ? read++ : refused++;
        output.WriteLine($"{read} read, {refused} refused");
    }

    [Fact]
    public async Task Read_MutatedFiles_EndsInOrder()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("NEBULA_FUZZ_SECONDS") ?? "5", CultureInfo.InvariantCulture);
        const int seed = 1234567;
        var random = new Random(seed);
        var seeds = Seeds();
        var watch = Stopwatch.StartNew();
        var rounds = 0;
        for (; watch.Elapsed.TotalSeconds < seconds; rounds++)
        {
            var bytes = Mutate(random, seeds[random.Next(seeds.Count)], seeds);
            await File.WriteAllBytesAsync(_file, bytes);
            try
            {
                await EndsInOrderAsync(_file, RandomSettings(random), $"seed {seed}, round {rounds}");
            }
            catch
            {
                output.WriteLine($"seed {seed}, round {rounds}: {Convert.ToBase64String(bytes)}");
                throw;
            }
        }
        output.WriteLine($"seed {seed}: {rounds} files");
    }

    public void Dispose() => File.Delete(_file);

    private static async Task<bool> EndsInOrderAsync(string path, Dictionary<string, string> settings, string what)
    {
        try
        {
            await TextFiles.ReadAsync("csv", path, settings, new DiscoverRequest(), blockSize: 4096, maxRecordSize: 4 << 20);
            return true;
        }
        catch (NebulaException e)
        {
            Assert.False(string.IsNullOrWhiteSpace(e.Reason), what);
            Assert.False(e is SchemaContradictionException && settings.GetValueOrDefault("infer") == "all",
                $"{what}: a type inferred from every value is contradicted: {e.Message}");
            return false;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException(what, e);
        }
    }

    private static List<byte[]> Seeds()
    {
        List<byte[]> seeds =
        [
            .. ((string[])["id,name,amount\n1,\"a,b\",1.50\n2,\"say \"\"hi\"\"\",2.25\n", "a;b;c\r\n1;2020-01-01;true\r\n;;\r\n", "x\n1\n\n2\n",
                "# c\na\tb\n1\t2020-01-01T00:00:00Z\n", "\"a\\\"b\",c\n"])
                .Select(Encoding.UTF8.GetBytes),
        ];
        if (SharedFixtures.Root is { } root)
            foreach (var path in Directory.EnumerateFiles(Path.Combine(root, "csv"), "*.csv", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                if (new FileInfo(path).Length is > 0 and < 20_000)
                    seeds.Add(File.ReadAllBytes(path));
        return seeds;
    }

    private static byte[] Mutate(Random random, byte[] seed, List<byte[]> seeds)
    {
        var bytes = new List<byte>(seed);
        byte[] special = [.. "\"',;\t|\n\r\\#\0- 019eE.:ZT"u8, 0xC3, 0xFF, 0xEF, 0xBB, 0xBF];
        for (var n = random.Next(1, 12); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 40)));
                    break;
                case 2:
                    var other = seeds[random.Next(seeds.Count)];
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 200))]);
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Repeat(special[random.Next(special.Length)], random.Next(1, 70)));
                    break;
                default:
                    bytes.Insert(at, special[random.Next(special.Length)]);
                    break;
            }
        }
        return [.. bytes];
    }

    private static Dictionary<string, string> RandomSettings(Random random)
    {
        var settings = new Dictionary<string, string>();
        if (random.Next(3) == 0)
            settings["null_padding"] = "true";
        if (random.Next(4) == 0)
            settings["header"] = random.Next(2) == 0 ? "true" : "false";
        if (random.Next(5) == 0)
            settings["quote"] = (string)(random.Next(3) switch { 0 => "none", 1 => "'", _ => "\"" });
        if (random.Next(6) == 0)
            settings["delimiter"] = random.Next(2) == 0 ? "," : "\\t";
        if (random.Next(6) == 0)
            settings["escape"] = "\\";
        if (random.Next(6) == 0)
            settings["comment"] = "#";
        if (random.Next(6) == 0)
            settings["skip_rows"] = random.Next(5).ToString(CultureInfo.InvariantCulture);
        if (random.Next(8) == 0)
            settings["encoding"] = ((string[])["utf-16le", "utf-16", "latin-1", "windows-1252", "utf-16be"])[random.Next(5)];
        if (random.Next(5) == 0)
            settings["null_markers"] = random.Next(2) == 0 ? "" : "NULL";
        if (random.Next(3) == 0)
            settings["infer"] = "all";
        return settings;
    }
}
