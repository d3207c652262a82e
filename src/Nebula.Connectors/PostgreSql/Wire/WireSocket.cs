using System.Net;
using System.Net.Security;
using System.Net.Sockets;

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

    private readonly Socket _socket;
    private SslStream? _encrypted;

    private WireSocket(Socket socket, EndPoint endPoint) => (_socket, EndPoint) = (socket, endPoint);

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
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="SocketException">Nobody answers.</exception>
    public static WireSocket Connect(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var isLocal = endPoint is UnixDomainSocketEndPoint;
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
            using (cancellationToken.UnsafeRegister(static state => ((Socket)state!).Dispose(), socket))
                socket.Connect(endPoint);
            cancellationToken.ThrowIfCancellationRequested();
            return new WireSocket(socket, endPoint);
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
    /// <returns>How many came; 0 at the end.</returns>
    /// <exception cref="IOException">The connection is broken.</exception>
    public int Read(Span<byte> target)
    {
        if (_encrypted is not null)
            return _encrypted.Read(target);
        try
        {
            return _socket.Receive(target);
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

    /// <summary>Closes the connection under whoever is reading from it.</summary>
    public void Abort() => _socket.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _encrypted?.Dispose();
    }
}
