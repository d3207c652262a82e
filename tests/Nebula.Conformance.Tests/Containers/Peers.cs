using System.Diagnostics;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Containers;

/// <summary>What another program says of a file.</summary>
/// <param name="Rows">The rows it read.</param>
/// <param name="Error">Why it stopped; null when it read all.</param>
internal sealed record PeerContent(IReadOnlyList<string> Rows, string? Error);

/// <summary>Programs that nobody here wrote, run by <c>tests/peers/read.mjs</c>.</summary>
internal static class Peers
{
    private static readonly string? Folder = FindFolder();

    /// <summary>Whether they are there.</summary>
    public static bool AreThere => Folder is not null && Directory.Exists(Path.Combine(Folder, "node_modules"));

    /// <summary>Whether they are there; says so in the output when they are not.</summary>
    public static bool AreInstalled(ITestOutputHelper output)
    {
        if (!AreThere)
        {
            output.WriteLine("skipped: tests/peers is not installed; './test' does it where Node.js is");
            return false;
        }
        return true;
    }

    /// <summary>Runs a program of tests/peers.</summary>
    /// <param name="script">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>What it prints.</returns>
    public static string Run(string script, params string[] arguments)
    {
        using var process = Process.Start(Describe(script, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        var printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? printed : throw new InvalidOperationException($"{script} failed: {errors.Result}");
    }

    /// <summary>Reads files.</summary>
    /// <param name="program">A program that <c>read.mjs</c> knows.</param>
    /// <param name="files">The files.</param>
    /// <returns>What it says of each.</returns>
    public static IReadOnlyDictionary<string, PeerContent> Read(string program, IReadOnlyCollection<string> files)
    {
        // with one file there are no headings
        using var process = Process.Start(Describe("read.mjs", [program, .. files, .. files.Count == 1 ? files : []]))!;
        var errors = process.StandardError.ReadToEndAsync();
        var contents = new Dictionary<string, PeerContent>();
        var rows = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
            if (line.StartsWith("# ", StringComparison.Ordinal))
                contents[line[2..]] = new PeerContent(rows = [], null);
            else if (line.StartsWith("! ", StringComparison.Ordinal))
                contents[contents.Last(pair => pair.Value.Rows == rows).Key] = new PeerContent(rows, line[2..]);
            else
                rows.Add(line);
        process.WaitForExit();
        var missing = files.Where(file => !contents.ContainsKey(file)).ToArray();
        return missing.Length == 0 ? contents : throw new InvalidOperationException($"{program} stopped before {missing[0]}: {errors.Result}");
    }

    private static ProcessStartInfo Describe(string script, IEnumerable<string> arguments) => new("node", [Path.Combine(Folder!, script), .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        StandardOutputEncoding = System.Text.Encoding.UTF8,
    };

    private static string? FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "peers");
            if (File.Exists(Path.Combine(candidate, "read.mjs")))
                return candidate;
        }
        return null;
    }
}

/// <summary>A fact that is shown with the programs of tests/peers and the files of Linux about its processes.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PeerFactAttribute : FactAttribute
{
    public PeerFactAttribute()
    {
        if (!Peers.AreThere)
            Skip = "tests/peers is not installed; './test' does it where Node.js is";
        else if (!OperatingSystem.IsLinux())
            Skip = "only Linux says how many bytes a process has read";
    }
}
