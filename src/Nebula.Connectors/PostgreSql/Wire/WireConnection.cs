using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>
/// A connection to a server, in version 3.0 of its protocol: for what is much, answers to <c>COPY</c> and the log, and for what is asked before it. Every call
/// blocks the thread. A statement that failed leaves the connection good for nothing.
/// </summary>
internal sealed class WireConnection : IDisposable
{
    /// <summary>In place of the type of a message that can come at any time and says nothing here.</summary>
    internal const byte NoType = 0;

    private const int ProtocolVersion = 3 << 16;
    private const int EncryptionRequest = (1234 << 16) | 5679;
    private const int CancelRequest = (1234 << 16) | 5678;
    private const int KeySize = 2 * sizeof(int);
    private const byte Idle = (byte)'I';
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);
    private readonly WireSettings _settings;
    private readonly WireSocket _socket;
    private readonly Lock _sending = new();
    private int _key;
    private byte _status;
    private bool _isBusy;

    private WireConnection(WireSettings settings, WireSocket socket)
    {
        (_settings, _socket) = (settings, socket);
        Input = new WireInput(socket, ServerOf(settings));
    }

    /// <summary>The process that serves it.</summary>
    public int ProcessId { get; private set; }

    /// <summary>The version of the server as it says it; empty where it does not.</summary>
    public string Version { get; private set; } = "";

    /// <summary>The first number of the version; 0 where the server does not say it.</summary>
    public int MajorVersion =>
        int.TryParse(Version.AsSpan(0, Version.AsSpan().IndexOfAnyExceptInRange('0', '9') is >= 0 and var end ? end : Version.Length),
            NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : 0;

    /// <summary>Whether the server waits for a statement, and no transaction is open.</summary>
    public bool IsIdle => !_isBusy && _status == Idle;

    /// <summary>Whether the server waits for a statement.</summary>
    public bool IsReady => !_isBusy;

    /// <summary>Whether the server said something unasked, such as that it closes the connection.</summary>
    public bool HasNews => Input.Available.Length > 0 || _socket.IsReadable;

    /// <summary>Whether it is encrypted.</summary>
    public bool IsEncrypted => _socket.Encryption is not null;

    /// <summary>What the server sends.</summary>
    internal WireInput Input { get; }

    /// <summary>Opens a connection.</summary>
    /// <param name="settings">Where to, and as whom.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="PostgresException">The server refuses it.</exception>
    /// <exception cref="NpgsqlException">It cannot be encrypted, or nobody can log in, as is asked for.</exception>
    /// <exception cref="SocketException">Nobody answers.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public static WireConnection Open(WireSettings settings, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(settings.Timeout);
        try
        {
            var places = WireSocket.Find(settings.Host, settings.Port);
            for (var i = 0; ; i++)
                try
                {
                    return OpenAt(places[i], settings, limit.Token);
                }
                catch (SocketException) when (i + 1 < places.Count && !limit.IsCancellationRequested)
                {
                    // a name may have several addresses, of which the server listens at one
                }
        }
        catch (Exception e) when (limit.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"{ServerOf(settings)} did not answer in {settings.Timeout.TotalSeconds:0.#} seconds.", e);
        }
    }

    /// <summary>Runs statements.</summary>
    /// <param name="sql">The statements.</param>
    /// <returns>The last row, as text; empty when there is none.</returns>
    /// <exception cref="PostgresException">One failed.</exception>
    public string?[] Query(string sql)
    {
        Send(sql);
        var rows = ReadRows();
        return rows.Count == 0 ? [] : rows[^1].Values;
    }

    /// <summary>Runs one statement.</summary>
    /// <param name="sql">The statement, in which $1 is the first value.</param>
    /// <param name="values">Its values, as text; they are sent beside it, and mean themselves whatever is in them.</param>
    /// <returns>Its rows.</returns>
    /// <exception cref="PostgresException">It failed.</exception>
    public List<WireRow> Ask(string sql, params ReadOnlySpan<string> values)
    {
        var message = Parse(sql).Begin('B').Byte(0).Byte(0).Int16(0).Int16((short)values.Length);
        foreach (var value in values)
            message.Value(value);
        // all columns as text, all rows
        SendWhole(message.Int16(0).Begin('E').Byte(0).Int32(0).Begin('S'));
        return ReadRows();
    }

    /// <summary>Finds the columns of what a statement gives, without running it.</summary>
    /// <param name="sql">The statement.</param>
    /// <exception cref="PostgresException">It is wrong.</exception>
    public List<WireColumn> Describe(string sql)
    {
        SendWhole(Parse(sql).Begin('D').Byte((byte)'S').Byte(0).Begin('S'));
        List<WireColumn> columns = [];
        while (true)
        {
            var content = Next(out var type);
            switch ((char)type)
            {
                case '1' or 't' or 'n':
                    break;
                case 'T':
                    columns = WireColumn.Read(content, Input);
                    break;
                case 'Z':
                    SetStatus(content);
                    return columns;
                default:
                    throw Input.Unexpected(type);
            }
        }
    }

    /// <summary>Begins to read what a <c>COPY … TO STDOUT</c> gives.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="name">What is read, for messages.</param>
    /// <param name="largestRow">Most bytes that a row may have.</param>
    /// <exception cref="PostgresException">It failed.</exception>
    public CopyOut BeginCopy(string sql, string name, int largestRow)
    {
        Send(sql);
        Next(out var type);
        return type == (byte)'H' ? new CopyOut(this, name, largestRow) : throw Input.Unexpected(type);
    }

    /// <summary>Begins to read the log.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="pool">Where room for large messages comes from.</param>
    /// <exception cref="PostgresException">It failed.</exception>
    public LogStream BeginStream(string sql, Engine.Columns.BufferPool pool)
    {
        Send(sql);
        Next(out var type);
        return type == (byte)'W' ? new LogStream(this, pool) : throw Input.Unexpected(type);
    }

    /// <summary>Ends what the server is doing for this connection, from any thread: whoever waits for an answer is told.</summary>
    /// <remarks>It returns when the server has heard it. Nothing happens where the server cannot be reached.</remarks>
    public void Cancel()
    {
        _socket.Hurry();
        using var limit = new CancellationTokenSource(CancelTimeout);
        try
        {
            using var socket = WireSocket.Connect(_socket.EndPoint, isTrickle: false, null, limit.Token);
            using (limit.Token.UnsafeRegister(static state => ((WireSocket)state!).Abort(), socket))
            {
                if (IsEncrypted && !Encrypt(socket, _settings))
                    return;
                socket.Write(new WireOutput().Begin().Int32(CancelRequest).Int32(ProcessId).Int32(_key).End());
                // it closes the connection when it has passed it on
                socket.Read(new byte[1]);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or NpgsqlException
            or NebulaException)
        {
            // whoever waits finds out by itself that the server is gone
        }
    }

    /// <summary>Closes the connection under whoever reads from it.</summary>
    public void Abort() => _socket.Abort();

    /// <summary>Says that nothing more is wanted. The server closes the connection then.</summary>
    public void Terminate()
    {
        _socket.Hurry();
        try
        {
            Send(new WireOutput().Begin('X').End());
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // it is closed already
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Terminate();
        _socket.Dispose();
    }

    /// <summary>Waits for the next message that says something.</summary>
    /// <param name="type">Its type.</param>
    /// <returns>Its content, good until more is read.</returns>
    /// <exception cref="PostgresException">It is an error.</exception>
    internal ReadOnlySpan<byte> Next(out byte type)
    {
        while (true)
        {
            var content = TakeOne(out type);
            if (type != NoType)
                return content;
        }
    }

    /// <summary>Waits for one message.</summary>
    /// <param name="type">Its type; <see cref="NoType"/> when it says nothing.</param>
    /// <returns>Its content, good until more is read.</returns>
    /// <exception cref="PostgresException">It is an error.</exception>
    internal ReadOnlySpan<byte> TakeOne(out byte type)
    {
        var content = Input.ReadMessage(out type);
        if (type == NoType)
            throw Input.Unexpected(type);
        if (type == (byte)'E')
            throw WireError.Read(content);
        // notices, settings, and what others tell by NOTIFY
        if ((char)type is 'N' or 'S' or 'A')
        {
            if (type == (byte)'S' && content.StartsWith(VersionSetting))
                Version = Encoding.UTF8.GetString(content[VersionSetting.Length..].TrimEnd((byte)0));
            type = NoType;
        }
        return content;
    }

    /// <summary>Sends bytes, from any thread.</summary>
    internal void Send(ReadOnlySpan<byte> bytes)
    {
        lock (_sending)
            _socket.Write(bytes);
    }

    /// <summary>Waits until the server has ended a statement.</summary>
    /// <param name="passed">Types of messages that may come before that, and are not looked at.</param>
    internal void WaitForEnd(params ReadOnlySpan<byte> passed)
    {
        while (true)
        {
            var content = Next(out var type);
            if (type == (byte)'Z')
            {
                SetStatus(content);
                return;
            }
            if (type != (byte)'C' && !passed.Contains(type))
                throw Input.Unexpected(type);
        }
    }

    private static ReadOnlySpan<byte> VersionSetting => "server_version\0"u8;

    private static string ServerOf(WireSettings settings) =>
        settings.Host.StartsWith('/') ? settings.Host : FormattableString.Invariant($"{settings.Host}:{settings.Port}");

    private static WireConnection OpenAt(EndPoint place, WireSettings settings, CancellationToken cancellationToken)
    {
        var mode = settings.SslMode;
        var isEncrypted = false;
        try
        {
            return OpenAt(place, settings, mode is not (SslMode.Disable or SslMode.Allow), ref isEncrypted, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not SocketException
            && (mode == SslMode.Prefer && isEncrypted || mode == SslMode.Allow))
        {
            // what is preferred is not what the server takes
            return OpenAt(place, settings, mode == SslMode.Allow, ref isEncrypted, cancellationToken);
        }
    }

    private static WireConnection OpenAt(EndPoint place, WireSettings settings, bool encrypt, ref bool isEncrypted, CancellationToken cancellationToken)
    {
        var socket = WireSocket.Connect(place, settings.IsReplication, settings.Limit, cancellationToken);
        try
        {
            using var _ = cancellationToken.UnsafeRegister(static state => ((WireSocket)state!).Abort(), socket);
            // those who are on the same machine are preferably not encrypted: no server does that
            if (encrypt && (place is not UnixDomainSocketEndPoint || settings.SslMode != SslMode.Prefer))
                isEncrypted = Encrypt(socket, settings);
            var connection = new WireConnection(settings, socket);
            connection.Start();
            return connection;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool Encrypt(WireSocket socket, WireSettings settings)
    {
        socket.Write(new WireOutput().Begin().Int32(EncryptionRequest).End());
        Span<byte> answer = stackalloc byte[1];
        if (socket.Read(answer) == 0)
            throw new EndOfStreamException("The server closed the connection.");
        switch ((char)answer[0])
        {
            case 'S':
                break;
            case 'N' when settings.SslMode == SslMode.Prefer:
                return false;
            case 'N':
                throw new NpgsqlException("The server offers no SSL connections.");
            default:
                throw new DataFormatException($"What answers at {ServerOf(settings)} is no PostgreSQL server. Check 'host' and 'port'.");
        }
        try
        {
            socket.Encrypt(Encryption.OptionsOf(settings));
            return true;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            throw new NpgsqlException("The connection could not be encrypted.", e);
        }
    }

    private void Start()
    {
        var start = new WireOutput().Begin().Int32(ProtocolVersion).Text("user").Text(_settings.User).Text("database").Text(_settings.Database)
            .Text("client_encoding").Text("UTF8").Text("application_name").Text(_settings.ApplicationName);
        if (_settings.Options.Length > 0)
            start.Text("options").Text(_settings.Options);
        if (_settings.IsReplication)
            start.Text("replication").Text("database");
        Send(start.Byte(0).End());
        new Login(_settings, _socket, Input).Run();
        while (true)
        {
            var content = Next(out var type);
            switch ((char)type)
            {
                case 'K' when content.Length == KeySize:
                    ProcessId = BinaryPrimitives.ReadInt32BigEndian(content);
                    _key = BinaryPrimitives.ReadInt32BigEndian(content[sizeof(int)..]);
                    break;
                case 'Z':
                    SetStatus(content);
                    return;
                default:
                    throw Input.Unexpected(type);
            }
        }
    }

    private static WireOutput Parse(string sql) => new WireOutput().Begin('P').Byte(0).Text(sql).Int16(0);

    private void Send(string sql) => SendWhole(new WireOutput().Begin('Q').Text(sql));

    /// <summary>Sends what the server answers as a whole, up to the point where it waits for more.</summary>
    private void SendWhole(WireOutput output)
    {
        if (_isBusy)
            throw new InvalidOperationException("The connection is in use, or broken.");
        _isBusy = true;
        Send(output.End());
    }

    private List<WireRow> ReadRows()
    {
        var rows = new List<WireRow>();
        while (true)
        {
            var content = Next(out var type);
            switch ((char)type)
            {
                // what was understood, the columns, and the end of a statement
                case '1' or '2' or 'T' or 'C' or 'I':
                    break;
                case 'D':
                    rows.Add(WireRow.Read(content, Input));
                    break;
                case 'Z':
                    SetStatus(content);
                    return rows;
                default:
                    throw Input.Unexpected(type);
            }
        }
    }

    private void SetStatus(ReadOnlySpan<byte> content)
    {
        if (content.Length != 1)
            throw Input.Unexpected((byte)'Z');
        _status = content[0];
        _isBusy = false;
    }
}
