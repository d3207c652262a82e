using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Nebula.Integration.Tests.Servers;

/// <summary>Stands between a store and its server and breaks things: cuts connections, answers with errors, falls silent.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _accepting;
    private readonly List<TcpClient> _open = [];
    private int _refusals;
    private int _cuts;
    private int _broken;
    private volatile bool _stall;

    public FaultProxy(Uri server)
    {
        _server = server;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Whether answers are held back for ever.</summary>
    public bool Stall { get => _stall; set => _stall = value; }

    /// <summary>Ends once an answer was held back.</summary>
    public Task Stalled => _stalled.Task;

    /// <summary>Answers so many of the next connections with <see cref="Refusal"/> instead of passing them on.</summary>
    public int Refusals { get => Volatile.Read(ref _refusals); set => Volatile.Write(ref _refusals, value); }

    /// <summary>Status and body of a refusal.</summary>
    public (string Status, string Body) Refusal { get; set; } = ("503 Busy", "");

    /// <summary>Cuts so many of the next connections, each after <see cref="BytesBeforeCut"/> of answers.</summary>
    public int Cuts { get => Volatile.Read(ref _cuts); set => Volatile.Write(ref _cuts, value); }

    public int BytesBeforeCut { get; set; } = 100_000;

    /// <summary>How long each piece of an answer is held back.</summary>
    public TimeSpan Pause { get; set; }

    /// <summary>Connections that were broken so far.</summary>
    public int Broken => Volatile.Read(ref _broken);

    /// <summary>Closes the connections that are open now, so that the next request makes a new one.</summary>
    public void CutOpen()
    {
        lock (_open)
        {
            foreach (var client in _open)
                client.Dispose();
            _open.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var inbound = client;
        lock (_open)
            _open.Add(client);
        try
        {
            using var outbound = new TcpClient();
            await outbound.ConnectAsync(_server.Host, _server.Port, _stop.Token);
            var requests = PassAsync(inbound.GetStream(), outbound.GetStream(), isAnswer: false);
            var answers = PassAsync(outbound.GetStream(), inbound.GetStream(), isAnswer: true);
            await Task.WhenAny(requests, answers);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, bool isAnswer)
    {
        var buffer = new byte[64 << 10];
        var passed = 0;
        var cutsHere = false;
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var count)
        {
            if (!isAnswer && IsStart(buffer) && Take(ref _refusals))
            {
                Interlocked.Increment(ref _broken);
                await RefuseAsync(from, buffer, count);
                return;
            }
            if (isAnswer && Stall)
            {
                _stalled.TrySetResult();
                await Task.Delay(Timeout.Infinite, _stop.Token);
            }
            if (isAnswer && Pause > TimeSpan.Zero)
                await Task.Delay(Pause, _stop.Token);
            cutsHere = cutsHere || (isAnswer && passed == 0 && Take(ref _cuts));
            if (cutsHere && passed + count > BytesBeforeCut)
            {
                Interlocked.Increment(ref _broken);
                await to.WriteAsync(buffer.AsMemory(0, Math.Max(0, BytesBeforeCut - passed)), _stop.Token);
                return;
            }
            await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            passed += count;
        }
    }

    private static bool IsStart(byte[] buffer) =>
        buffer.AsSpan().StartsWith("GET "u8) || buffer.AsSpan().StartsWith("PUT "u8) || buffer.AsSpan().StartsWith("POST "u8)
        || buffer.AsSpan().StartsWith("HEAD "u8) || buffer.AsSpan().StartsWith("DELETE "u8);

    private static bool Take(ref int left)
    {
        while (Volatile.Read(ref left) is > 0 and var now)
            if (Interlocked.CompareExchange(ref left, now - 1, now) == now)
                return true;
        return false;
    }

    /// <summary>Takes in the whole request, as a server does, and refuses it.</summary>
    private async Task RefuseAsync(NetworkStream client, byte[] buffer, int count)
    {
        using var head = new MemoryStream();
        head.Write(buffer, 0, count);
        int end;
        while ((end = head.GetBuffer().AsSpan(0, (int)head.Length).IndexOf("\r\n\r\n"u8)) < 0
            && await client.ReadAsync(buffer, _stop.Token) is > 0 and var more)
            head.Write(buffer, 0, more);
        var text = Encoding.ASCII.GetString(head.GetBuffer(), 0, end);
        var length = text.Split("\r\n").FirstOrDefault(static line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) is { } line
            ? int.Parse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1), System.Globalization.CultureInfo.InvariantCulture) : 0;
        for (var left = end + 4 + length - head.Length; left > 0;)
        {
            var read = await client.ReadAsync(buffer, _stop.Token);
            if (read == 0)
                return;
            left -= read;
        }
        await client.WriteAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {Refusal.Status}\r\nContent-Length: {Refusal.Body.Length}\r\nConnection: close\r\n\r\n{Refusal.Body}"), _stop.Token);
    }
}
