using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>
/// The bytes to and from a server. A thread that reads waits in the system: nothing here is asynchronous, as the runtime makes a socket non-blocking for good
/// when it is used so once.
/// </summary>
internal sealed class WireSocket : IDisposable
{
    /// <summary>How long a connection is silent before it is asked whether the other side is still there, in seconds.</summary>
    public const int SecondsUntilProbe = 30;

    /// <summary>How often it is asked then, in seconds.</summary>
    public const int SecondsBetweenProbes = 10;

    // less than that at a time, and waiting costs more than reading
    private const int Gulp = 32 << 10;

    // On one machine a server needs several times as long for a message that goes out at once as for one that the system joins to others; and it joins them while
    // the window of the connection is full. So the window is small there, and it is read when it is full.
    private const int Window = 32 << 10;

    private readonly Socket _socket;
    private readonly bool _hasWindow;
    private readonly RateLimit? _limit;

    // whoever hurries may come when it is disposed of: nothing of it has to be
    private readonly CancellationTokenSource? _hurry;
    private SslStream? _encrypted;
    private int _mark = 1;
    private bool _cameLittle;

    private WireSocket(Socket socket, EndPoint endPoint, bool hasWindow, RateLimit? limit)
    {
        (_socket, EndPoint, _hasWindow, _limit) = (socket, endPoint, hasWindow, limit);
        _hurry = limit is null ? null : new CancellationTokenSource();
    }

    /// <summary>What it is connected to.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>The encryption; null when there is none.</summary>
    public SslStream? Encryption => _encrypted;

    /// <summary>Whether bytes, or the end of them, can be read without waiting.</summary>
    public bool IsReadable => _socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Finds the addresses of a server.</summary>
    /// <param name="host">Name or address, or the folder of its socket.</param>
    /// <param name="port">Port, or the number of the socket.</param>
    /// <exception cref="SocketException">There is no such host.</exception>
    public static IReadOnlyList<EndPoint> Find(string host, int port)
    {
        if (host.StartsWith('/') || host.StartsWith('@'))
            return [new UnixDomainSocketEndPoint(FormattableString.Invariant($"{(host[0] == '@' ? $"\0{host[1..]}" : host)}/.s.PGSQL.{port}"))];
        return IPAddress.TryParse(host, out var address) ? [new IPEndPoint(address, port)]
            : [.. Dns.GetHostAddresses(host).Select(found => new IPEndPoint(found, port))];
    }

    /// <summary>Connects to an address.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="isTrickle">Whether it is for many messages that are sent one by one, as those of the log are.</param>
    /// <param name="limit">What is read keeps to it; null for no limit.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="SocketException">Nobody answers.</exception>
    public static WireSocket Connect(EndPoint endPoint, bool isTrickle, RateLimit? limit, CancellationToken cancellationToken)
    {
        var isLocal = endPoint is UnixDomainSocketEndPoint;
        var hasWindow = isTrickle && OperatingSystem.IsLinux() && endPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isLocal ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (!isLocal)
            {
                socket.NoDelay = true;
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SecondsUntilProbe);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, SecondsBetweenProbes);
            }
            if (hasWindow)
                socket.ReceiveBufferSize = Window;
            using (cancellationToken.UnsafeRegister(static state => ((Socket)state!).Dispose(), socket))
                socket.Connect(endPoint);
            cancellationToken.ThrowIfCancellationRequested();
            return new WireSocket(socket, endPoint, hasWindow, limit);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (cancellationToken.IsCancellationRequested)
                throw new OperationCanceledException("The connection is wanted no more.", e, cancellationToken);
            throw;
        }
    }

    /// <summary>Encrypts what follows.</summary>
    /// <param name="options">What is checked.</param>
    public void Encrypt(SslClientAuthenticationOptions options)
    {
        _encrypted = new SslStream(new NetworkStream(_socket, ownsSocket: false), leaveInnerStreamOpen: false);
        _encrypted.AuthenticateAsClient(options);
    }

    /// <summary>Waits for bytes.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="gathering">How long to let them gather where they come in small pieces, each of which would wake this thread; zero for not at all.</param>
    /// <returns>How many came; 0 at the end.</returns>
    /// <exception cref="IOException">The connection is broken.</exception>
    public int Read(Span<byte> target, TimeSpan gathering = default)
    {
        if (_limit is null || _hurry!.IsCancellationRequested)
            return ReadSome(target, gathering);
        var count = ReadSome(target[..Math.Min(target.Length, _limit.Piece)], gathering);
        try
        {
            _limit.Take(count, _hurry.Token);
        }
        catch (OperationCanceledException)
        {
            // what is still to come is only read to get to its end
        }
        return count;
    }

    private int ReadSome(Span<byte> target, TimeSpan gathering)
    {
        try
        {
            if (_hasWindow && _encrypted is null)
            {
                if (gathering > TimeSpan.Zero && WaitForWindow(gathering) is > 0 and var here)
                    return _socket.Receive(target[..Math.Min(here, target.Length)]);
                Mark(1);
            }
            else if (_cameLittle && gathering > TimeSpan.Zero)
                Thread.Sleep(gathering);
            var count = _encrypted is not null ? _encrypted.Read(target) : _socket.Receive(target);
            _cameLittle = count < Gulp;
            return count;
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Sends bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="IOException">The connection is broken.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_encrypted is not null)
        {
            _encrypted.Write(bytes);
            return;
        }
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Has whoever reads wait for the server alone from here on, as nothing more is wanted.</summary>
    public void Hurry() => _hurry?.Cancel();

    /// <summary>Closes the connection under whoever is reading from it.</summary>
    public void Abort()
    {
        Hurry();
        _socket.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _encrypted?.Dispose();
    }

    private int WaitForWindow(TimeSpan most)
    {
        Mark(Window);
        _socket.Poll(most, SelectMode.SelectRead);
        return _socket.Available;
    }

    /// <summary>Has the system wake who waits when so many bytes are there.</summary>
    private void Mark(int bytes)
    {
        if (_mark == bytes)
            return;
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, bytes);
        _mark = bytes;
    }
}
