using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Nebula.Cli.Tests;

/// <summary>What a finished process left behind.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Errors)
{
    /// <summary>The lines about errors, without the account around them.</summary>
    public string ErrorLines
    {
        get
        {
            var lines = new List<string>();
            var within = false;
            foreach (var line in Errors.Split('\n'))
            {
                within = line.StartsWith("error:", StringComparison.Ordinal)
                    || (within && line.StartsWith("  ", StringComparison.Ordinal) && !line.StartsWith("    ", StringComparison.Ordinal));
                if (within)
                    lines.Add(line);
            }
            return string.Join('\n', lines);
        }
    }
}

/// <summary>Runs the real program, in a folder of its own that goes away with it.</summary>
internal sealed class NebulaProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly string Program = Environment.GetEnvironmentVariable("NEBULA_BINARY") is { Length: > 0 } published ? Path.GetFullPath(published)
        : Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "nebula.exe" : "nebula");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nebula-cli-");

    public string Folder => _folder.FullName;

    /// <summary>Variables for the process; the user's own settings stay out.</summary>
    public Dictionary<string, string?> Variables { get; } = new() { ["HOME"] = null, ["NO_COLOR"] = null, ["TERM"] = "dumb" };

    public string Write(string name, string content)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    public string Read(string name) => File.ReadAllText(PathOf(name));

    public bool Exists(string name) => File.Exists(PathOf(name));

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Everything in the folder and below, hidden files too.</summary>
    public IEnumerable<string> Files() => Directory.EnumerateFiles(Folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal);

    public IEnumerable<string> TemporaryFiles() => Files().Where(static name => name.EndsWith(".nebula-tmp", StringComparison.Ordinal));

    public Outcome Run(params string[] arguments) => RunAsync(arguments).GetAwaiter().GetResult();

    public async Task<Outcome> RunAsync(string[] arguments, Stream? input = null)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (input is not null)
            await input.CopyToAsync(process.StandardInput.BaseStream);
        process.StandardInput.Close();
        return await FinishAsync(process, output, errors);
    }

    /// <summary>Runs a shell command in which <c>$NEBULA</c> is the program.</summary>
    public async Task<Outcome> ShellAsync(string script)
    {
        using var process = Process.Start(Describe("/bin/sh", ["-c", script]))!;
        process.StandardInput.Close();
        return await FinishAsync(process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    /// <summary>Starts the program with its input open.</summary>
    public Process Start(params string[] arguments) => Process.Start(Describe(Program, arguments))!;

    public static async Task<Outcome> FinishAsync(Process process, Task<string> output, Task<string> errors)
    {
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The program did not end within {Patience}. It said: {await errors}");
        }
        return new Outcome(process.ExitCode, await output, (await errors).ReplaceLineEndings("\n"));
    }

    /// <summary>Runs the program, throws its output away, and looks meanwhile at the largest resident size it has had; only Linux tells.</summary>
    /// <param name="feed">Writes its input; null for none.</param>
    /// <param name="arguments">Its arguments.</param>
    public async Task<(long Peak, long Read)> MeasureAsync(Func<Stream, Task>? feed, params string[] arguments)
    {
        using var process = Start(arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var feeding = Task.Run(async () =>
        {
            if (feed is not null)
                await feed(process.StandardInput.BaseStream);
            process.StandardInput.Close();
        });
        long peak = 0;
        await UntilAsync(() =>
        {
            peak = Math.Max(peak, PeakOf(process.Id));
            return process.HasExited;
        });
        await feeding;
        await output;
        var said = await errors;
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {said}");
        var account = said.Split('\n').First(static line => line.Contains("read ", StringComparison.Ordinal));
        var read = account[(account.IndexOf("read ", StringComparison.Ordinal) + 5)..].Split(' ')[0];
        return (peak, long.Parse(read, NumberStyles.AllowThousands, CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until something can be seen from outside.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var waiting = Stopwatch.StartNew();
        while (!condition())
        {
            if (waiting.Elapsed > Patience)
                throw new TimeoutException($"Nothing to be seen within {Patience}.");
            await Task.Delay(10);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static long PeakOf(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line.AsSpan(6, line.Length - 8).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // it has just ended
            return 0;
        }
    }

    private ProcessStartInfo Describe(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardErrorEncoding = new UTF8Encoding(false),
        };
        start.Environment["NEBULA"] = Program;
        foreach (var (name, value) in Variables)
            start.Environment[name] = value;
        return start;
    }
}
