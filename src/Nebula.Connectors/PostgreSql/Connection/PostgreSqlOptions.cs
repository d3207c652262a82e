using System.Globalization;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>How a database is reached: what users set; where they did not, the variables that every client of PostgreSQL knows.</summary>
internal sealed record PostgreSqlOptions
{
    private const string DefaultPort = "5432";

    // one keeps the snapshot, the others read
    private const string DefaultConnections = "5";

    private const string ConnectionsKey = "max_connections";
    private const string LimitKey = "limits.max_connections";

    // the greatest number that the server itself can be set to
    private const long MostConnections = 262_143;
    private const int ReadBufferSize = 256 << 10;
    private const int UsagesToPrepare = 3;

    private static readonly string[] Schemes = ["postgresql", "postgres"];

    private static readonly string[] SslModeNames = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    private static readonly SslMode[] SslModes = [SslMode.Disable, SslMode.Allow, SslMode.Prefer, SslMode.Require, SslMode.VerifyCA, SslMode.VerifyFull];

    /// <summary>What can be set.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        new("url", OptionKind.Text, "Where the database is, as a URL: postgresql://user:password@host:5432/database?sslmode=require. Single options override "
            + "its parts.") { IsSecret = true },
        new("host", OptionKind.Text, "Name or address of the server, or the folder of its socket; else PGHOST, else localhost."),
        new("port", OptionKind.Integer, "Port of the server, 1 to 65535; else PGPORT, else 5432."),
        new("database", OptionKind.Text, "The database; else PGDATABASE, else the one named like the user."),
        new("user", OptionKind.Text, "The role that logs in; else PGUSER."),
        new("password", OptionKind.Text, "Its password; else PGPASSWORD, else the password file (PGPASSFILE, ~/.pgpass).") { IsSecret = true },
        new("ssl_mode", OptionKind.Choice,
            "Whether the connection is encrypted and the server's certificate checked; else PGSSLMODE, else prefer.") { Choices = SslModeNames },
        new("ssl_root_certificate", OptionKind.Text,
            "File with the certificates that the server's must be signed by, for verify-ca and verify-full; else PGSSLROOTCERT."),
        new("schema", OptionKind.TextList, "Schemas that are looked into; else all that are not the system's."),
        new(ConnectionsKey, OptionKind.Integer, "Most connections at a time, 1 or more. With 1 a table is read as one chunk: one connection more keeps the "
            + "snapshot that all chunks see.", DefaultConnections),
        new(LimitKey, OptionKind.Integer, "Most connections to the server at a time, of all streams of the pipeline in a process, source and target together."),
        RateLimit.Option,
        new("application_name", OptionKind.Text, "What pg_stat_activity shows; else PGAPPNAME.", "nebula"),
    ];

    /// <summary>What Nebula's own connections are given.</summary>
    public required WireSettings Wire { get; init; }

    /// <summary>Host and port, for messages.</summary>
    public required string Server { get; init; }

    /// <summary>The database, for messages.</summary>
    public required string Database { get; init; }

    /// <summary>The role, for messages.</summary>
    public required string User { get; init; }

    /// <summary>Most connections at a time.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>Most connections to the server of the whole pipeline; null for no limit.</summary>
    public int? ConnectionLimit { get; init; }

    /// <summary>Whether reading gives way to others who are at work on the server: it does not where the user says how many connections there are.</summary>
    public bool GivesWay { get; init; }

    /// <summary>Most statements that the server keeps for each connection of the library.</summary>
    public int MostPrepared { get; init; }

    /// <summary>Schemas that are looked into; empty for all.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>Reads what the user set.</summary>
    /// <param name="options">What was set.</param>
    /// <exception cref="NebulaException">Something is missing or wrong.</exception>
    public static PostgreSqlOptions Of(OptionValues options)
    {
        var url = Url(options);
        string? Setting(string name, string urlName, string variable) =>
            (options.IsSet(name) ? options.Text(name) : null) ?? url.GetValueOrDefault(urlName)
                ?? (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null);

        var user = Setting("user", "user", "PGUSER")
            ?? throw NebulaException.Configuration($"{options.Owner} needs a user: set 'user', name one in 'url', or set PGUSER.");
        var host = Setting("host", "host", "PGHOST") ?? "localhost";
        var portText = Setting("port", "port", "PGPORT") ?? DefaultPort;
        if (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > ushort.MaxValue)
            throw NebulaException.Configuration($"The port of {options.Owner} must be a number from 1 to 65535; it is '{portText}'.",
                options.LocationOf("port"));
        var sslText = Setting("ssl_mode", "sslmode", "PGSSLMODE") ?? "prefer";
        var sslMode = Array.IndexOf(SslModeNames, sslText);
        if (sslMode < 0)
            throw NebulaException.Configuration(
                $"The SSL mode of {options.Owner} must be one of {string.Join(", ", SslModeNames)}; it is "
                    + $"'{sslText}'.{Suggestion.For(sslText, SslModeNames)}", options.LocationOf("ssl_mode"));
        var connections = Connections(ConnectionsKey)!.Value;
        var server = IsFolder(host) ? host : $"{host}:{port}";
        var database = Setting("database", "dbname", "PGDATABASE") ?? user;
        return new PostgreSqlOptions
        {
            Wire = new WireSettings(host, port, database, user)
            {
                Password = Setting("password", "password", "PGPASSWORD"),
                SslMode = SslModes[sslMode],
                RootCertificate = Setting("ssl_root_certificate", "sslrootcert", "PGSSLROOTCERT"),
                ApplicationName = Setting("application_name", "application_name", "PGAPPNAME") ?? options.Text("application_name") ?? "",
                Limit = RateLimit.Of(options, server.ToLowerInvariant()),
            },
            Server = server,
            Database = database,
            User = user,
            MaxConnections = connections,
            ConnectionLimit = Connections(LimitKey),
            GivesWay = !options.IsSet(ConnectionsKey) && !options.IsSet(LimitKey),
            Schemas = options.List("schema") ?? [],
        };

        int? Connections(string name) => options.Integer(name) is not { } count ? null : count is >= 1 and <= MostConnections ? (int)count
            : throw NebulaException.Configuration($"Option '{name}' of {options.Owner} must be 1 or more; it is {count}.", options.LocationOf(name));
    }

    /// <summary>The connections that are made with these options.</summary>
    public ConnectionUse Use => new(Server.ToLowerInvariant(), ConnectionsKey, MaxConnections, ConnectionLimit);

    /// <summary>What the library is given, for what is not read by connections of our own.</summary>
    public string ConnectionString
    {
        get
        {
            // nothing is between this machine and itself that has to be probed
            var isLocal = IsFolder(Wire.Host);
            return new NpgsqlConnectionStringBuilder
            {
                Host = Wire.Host,
                Port = Wire.Port,
                Database = Wire.Database,
                Username = Wire.User,
                Password = Wire.Password,
                SslMode = Wire.SslMode,
                RootCertificate = Wire.RootCertificate,
                ApplicationName = Wire.ApplicationName,
                // connections are few and long; each is closed where its work ends, so that nothing of it is left on the server
                Pooling = false,
                // the first row of a view may take hours; that the other side is still there is told by the probes
                CommandTimeout = 0,
                TcpKeepAlive = !isLocal,
                TcpKeepAliveTime = isLocal ? 0 : WireSocket.SecondsUntilProbe,
                TcpKeepAliveInterval = isLocal ? 0 : WireSocket.SecondsBetweenProbes,
                ReadBufferSize = ReadBufferSize,
                // it would cost a connection more beforehand for each
                GssEncryptionMode = GssEncryptionMode.Disable,
                IncludeErrorDetail = false,
                MaxAutoPrepare = MostPrepared,
                AutoPrepareMinUsages = UsagesToPrepare,
            }.ConnectionString;
        }
    }

    /// <summary>Whether a host is the folder of its socket.</summary>
    private static bool IsFolder(string host) => host.StartsWith('/');

    private static Dictionary<string, string> Url(OptionValues options)
    {
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.Text("url") is not { } text)
            return parts;
        // never shown: it may hold a password
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || !Schemes.Contains(url.Scheme))
            throw NebulaException.Configuration(
                $"Option 'url' of {options.Owner} must be a URL such as postgresql://user:password@host:5432/database. Characters of special meaning in the "
                    + $"password are written as %XX.", options.LocationOf("url"));
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            if (pair.Split('=', 2) is [var name, var value])
                parts[name] = Uri.UnescapeDataString(value);
        var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
        Add("user", colon < 0 ? url.UserInfo : url.UserInfo[..colon]);
        Add("password", colon < 0 ? "" : url.UserInfo[(colon + 1)..]);
        Add("host", url.IdnHost);
        Add("port", url.Port > 0 ? url.Port.ToString(CultureInfo.InvariantCulture) : "");
        Add("dbname", url.AbsolutePath.TrimStart('/'));
        return parts;

        void Add(string name, string value)
        {
            if (value.Length > 0)
                parts[name] = Uri.UnescapeDataString(value);
        }
    }
}
