using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Nebula.Functions.Tests.Host;

/// <summary>One handler process, started, watched and started again as the host does it.</summary>
internal sealed class HandlerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(1);
    private static int _ports = Environment.ProcessId * 97 % 20_000;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false }) { Timeout = TimeSpan.FromMinutes(2) };
    private readonly Lock _lock = new();
    private Process _process;
    private Task _ready;
    private bool _isEnding;

    public HandlerProcess(string folder, IReadOnlyDictionary<string, string> variables)
    {
        _folder = folder;
        _variables = variables;
        (_process, _ready) = Start();
    }

    /// <summary>Exit codes so far.</summary>
    public ConcurrentQueue<int> ExitCodes { get; } = new();

    /// <summary>Lines of standard output, of all processes.</summary>
    public ConcurrentQueue<string> Output { get; } = new();

    /// <summary>Lines of standard error: the host would log each as an error.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>The port of the process that runs now.</summary>
    public int Port { get; private set; }

    /// <summary>Most memory that the process held at any time, as Linux counts it.</summary>
    public long PeakMemory => 1024 * File.ReadLines($"/proc/{Current().Id}/status")
        .Where(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
        .Select(static line => long.Parse(line.AsSpan(6, line.Length - 8).Trim(), System.Globalization.CultureInfo.InvariantCulture)).First();

    public Task ReadyAsync()
    {
        lock (_lock)
            return _ready;
    }

    /// <summary>Sends an invocation, once the process answers.</summary>
    /// <param name="function">The function.</param>
    /// <param name="request">The request, without address.</param>
    public async Task<HttpResponseMessage> SendAsync(string function, HttpRequestMessage request)
    {
        await ReadyAsync();
        request.RequestUri = new Uri($"http://127.0.0.1:{Port}/{function}");
        request.Method = HttpMethod.Post;
        return await _http.SendAsync(request);
    }

    /// <summary>Asks for something else than a function.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path)
    {
        await ReadyAsync();
        return await _http.GetAsync(new Uri($"http://127.0.0.1:{Port}{path}"));
    }

    /// <summary>Ends the process at once. The host sees that and starts another.</summary>
    public void Kill() => Current().Kill();

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, SendSignal(Current().Id, signal));

    /// <summary>Done when the process has ended and another one answers.</summary>
    public async Task RestartedAsync(int exits)
    {
        while (ExitCodes.Count < exits)
            await Task.Delay(10);
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Process process;
        lock (_lock)
        {
            _isEnding = true;
            process = _process;
        }
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        _http.Dispose();
    }

    private Process Current()
    {
        lock (_lock)
            return _process;
    }

    private (Process Process, Task Ready) Start()
    {
        Port = FreePort();
        var start = new ProcessStartInfo("dotnet")
        {
            // an app without streams of the tests' own moves real files
            ArgumentList =
            {
                typeof(HandlerProcess).Assembly.Location, "handler", _folder, File.Exists(Path.Combine(_folder, "streams.txt")) ? "world" : "real",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        start.Environment["FUNCTIONS_CUSTOMHANDLER_PORT"] = Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["FUNCTIONS_APP_ROOT_PATH"] = _folder;
        start.Environment["FUNCTIONS_WORKER_RUNTIME"] = "custom";
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in _variables)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Note(Output, line.Data);
        process.ErrorDataReceived += (_, line) => Note(Errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _ = WatchAsync(process);
        return (process, WaitAsync(process, Port));
    }

    private static void Note(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
            lines.Enqueue(line);
    }

    private async Task WatchAsync(Process process)
    {
        await process.WaitForExitAsync();
        lock (_lock)
        {
            // an exit code of 0 is never started again
            if (!_isEnding && process.ExitCode != 0)
                (_process, _ready) = Start();
        }
        ExitCodes.Enqueue(process.ExitCode);
    }

    /// <summary>Any answer to <c>GET /</c> will do; the host asks every 25 ms.</summary>
    private async Task WaitAsync(Process process, int port)
    {
        var begin = Stopwatch.StartNew();
        while (!process.HasExited && begin.Elapsed < StartTimeout)
            try
            {
                using var response = await _http.GetAsync(new Uri($"http://127.0.0.1:{port}/"));
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(25);
            }
        throw new HttpRequestException($"The handler does not answer: {string.Join('\n', Output)} {string.Join('\n', Errors)}");
    }

    /// <summary>
    /// A port that nobody listens at. It is none that the system gives to whoever asks for any, so that it stays free until the handler takes it, and none
    /// that was given out here before.
    /// </summary>
    internal static int FreePort()
    {
        const int First = 10_000;
        const int Count = 20_000;
        while (true)
        {
            var port = First + (Interlocked.Increment(ref _ports) % Count);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // someone has it
            }
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);
}
