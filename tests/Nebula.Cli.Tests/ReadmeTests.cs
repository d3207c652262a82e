using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Nebula.Cli.Tests;

/// <summary>Runs what the top README tells newcomers to type, in a copy of its samples: every command ends as it says there.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private readonly NebulaProcess _nebula = new();

    [Fact]
    public async Task Commands_OfTheTour_EndAsTheReadmeSays()
    {
        if (OperatingSystem.IsWindows())
            return;
        var root = FindRoot();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(root, "samples", "quickstart"), "*", SearchOption.AllDirectories))
            if (Path.GetRelativePath(root, file) is var name && !name.Contains("/out/", StringComparison.Ordinal))
                _nebula.Write(name, await File.ReadAllTextAsync(file));
        // the launcher builds first; here it is built
        _nebula.Write("nebula", "#!/bin/sh\nexec \"$NEBULA\" \"$@\"\n");
        var commands = Commands(await File.ReadAllTextAsync(Path.Combine(root, "README.md"))).ToList();
        Assert.True(commands.Count > 15, $"only {commands.Count} commands were found");

        var script = new StringBuilder("chmod +x nebula\n");
        for (var i = 0; i < commands.Count; i++)
            script.Append(commands[i]).Append(CultureInfo.InvariantCulture, $"\necho \"=={i} $?\"\n");
        var outcome = await _nebula.ShellAsync(script.ToString());
        for (var i = 0; i < commands.Count; i++)
        {
            var expected = ExitCodeSaid().Match(commands[i]) is { Success: true } said ? said.Groups[1].Value : "0";
            Assert.True(outcome.Output.Contains($"=={i} {expected}\n", StringComparison.Ordinal), $"{commands[i]}\n{outcome.Output}\n{outcome.Errors}");
        }
        Assert.True(_nebula.Exists("samples/quickstart/out/orders.jsonl"));
    }

    public void Dispose() => _nebula.Dispose();

    [GeneratedRegex(@"exit code (\d+)")]
    private static partial Regex ExitCodeSaid();

    /// <summary>The lines of the shell blocks up to the figures; building and testing are what brought us here.</summary>
    private static IEnumerable<string> Commands(string readme)
    {
        var within = false;
        foreach (var line in readme[..readme.IndexOf("\n## How fast", StringComparison.Ordinal)].Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                within = !within && line == "```sh";
            else if (within && line.Length > 0 && !line.StartsWith("./test", StringComparison.Ordinal))
                yield return line;
        }
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Nebula.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The tests do not run inside of the repository.");
    }
}
