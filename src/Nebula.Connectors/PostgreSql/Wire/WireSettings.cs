using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>How a server is reached, and as whom.</summary>
/// <param name="Host">Name or address, or the folder of the server's socket.</param>
/// <param name="Port">Port, or the number of the socket.</param>
/// <param name="Database">The database.</param>
/// <param name="User">The role that logs in.</param>
internal sealed record WireSettings(string Host, int Port, string Database, string User)
{
    /// <summary>Its password; null to look into the password file.</summary>
    public string? Password { get; init; }

    /// <summary>Whether the connection is encrypted, and what of the server's certificate is checked.</summary>
    public SslMode SslMode { get; init; } = SslMode.Prefer;

    /// <summary>File with the certificates that the server's must be signed by; null for those that the system trusts.</summary>
    public string? RootCertificate { get; init; }

    /// <summary>What <c>pg_stat_activity</c> shows.</summary>
    public string ApplicationName { get; init; } = "";

    /// <summary>Options of the session, as the server's command line takes them.</summary>
    public string Options { get; init; } = Environment.GetEnvironmentVariable("PGOPTIONS") ?? "";

    /// <summary>Whether the connection streams the log.</summary>
    public bool IsReplication { get; init; }

    /// <summary>What is read keeps to it; null for no limit.</summary>
    public RateLimit? Limit { get; init; }

    /// <summary>Longest time that opening a connection may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Not the password.</summary>
    public override string ToString() => $"{User}@{Host}:{Port}/{Database}";
}
