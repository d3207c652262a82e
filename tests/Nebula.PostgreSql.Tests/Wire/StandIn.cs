using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Nebula.Connectors.PostgreSql.Wire;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Wire;

/// <summary>Stands in for a server: hears what it is sent, and answers what it was given, byte for byte.</summary>
internal sealed class StandIn : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    /// <param name="answers">What is said, one answer to each message; a client that goes on finds the connection closed.</param>
    /// <param name="pieces">How many bytes are sent at a time.</param>
    /// <param name="stays">Whether the connection stays open behind the last answer.</param>
    public StandIn(IReadOnlyList<byte[]> answers, Func<int>? pieces = null, bool stays = false)
    {
        _listener.Start();
        _serving = Task.Run(() => ServeAsync(answers, pieces ?? (static () => int.MaxValue), stays));
    }

    public WireSettings Settings => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port, "postgres", "nebula")
    {
        Password = "secret",
        SslMode = SslMode.Disable,
        Timeout = TimeSpan.FromSeconds(30),
    };

    /// <summary>What lets a client in.</summary>
    public static byte[] Welcome => [.. Message('R', [0, 0, 0, 0]), .. Message('K', [0, 0, 0, 7, 0, 0, 0, 9]), .. Ready];

    public static byte[] Ready => Message('Z', "I"u8);

    public static byte[] Message(char type, ReadOnlySpan<byte> content)
    {
        byte[] message = [(byte)type, 0, 0, 0, 0, .. content];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), content.Length + sizeof(int));
        return message;
    }

    public static byte[] Version(string version) => Message('S', Encoding.UTF8.GetBytes($"server_version\0{version}\0"));

    public static byte[] Sasl(int step, string text) => Message('R', [0, 0, 0, (byte)step, .. Encoding.UTF8.GetBytes(text)]);

    public void Dispose()
    {
        _stop.Cancel();
        _serving.GetAwaiter().GetResult();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(IReadOnlyList<byte[]> answers, Func<int> pieces, bool stays)
    {
        try
        {
            using var client = await _listener.AcceptSocketAsync(_stop.Token);
            client.NoDelay = true;
            var heard = new byte[64 << 10];
            foreach (var answer in answers)
            {
                if (await client.ReceiveAsync(heard, _stop.Token) == 0)
                    return;
                for (var at = 0; at < answer.Length;)
                    at += await client.SendAsync(answer.AsMemory(at, Math.Min(pieces(), answer.Length - at)), _stop.Token);
            }
            if (stays)
                await Task.Delay(Timeout.Infinite, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // the client has gone
        }
    }
}
