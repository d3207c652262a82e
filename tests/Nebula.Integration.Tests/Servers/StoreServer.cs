using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Nebula.Integration.Tests.Servers;

/// <summary>An object store that nobody here wrote, as a process on a port that the system chose. Ends with the tests, however they end: its standard input
/// closes.</summary>
internal sealed partial class StoreServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Folder = FindFolder();
    private readonly Process _process;

    private StoreServer(Process process, Uri address) => (_process, Address) = (process, address);

    /// <summary>Whether the servers are installed.</summary>
    public static bool IsInstalled { get; } = Directory.Exists(Path.Combine(Folder, "node_modules", "azurite"))
        && Directory.Exists(Path.Combine(Folder, "node_modules", "fauxqs"));

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Starts a server and waits until it says where it listens.</summary>
    public static async Task<StoreServer> StartAsync(string script, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("node", [script])
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        using var deadline = new CancellationTokenSource(Patience);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            if (AddressPattern().Match(line) is { Success: true } found)
            {
                // what it says later must not fill the pipe
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new StoreServer(process, new Uri(found.Value));
            }
        throw new InvalidOperationException($"{script} ended without saying where it listens.");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(deadline.Token);
        _process.Dispose();
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex AddressPattern();

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Nebula.sln")))
                return Path.Combine(folder.FullName, "tests", "servers");
        return "";
    }
}
