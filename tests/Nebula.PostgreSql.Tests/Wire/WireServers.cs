using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Wire;

/// <summary>Servers that let each role in in another way, and that encrypt.</summary>
public sealed class WireServers : IDisposable
{
    private readonly ConcurrentDictionary<int, Lazy<PostgreSqlServer>> _servers = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-wire-").FullName;

    public WireServers()
    {
        using var authority = MakeAuthority("trusted", out var key);
        using (key)
        {
            using var server = RSA.Create(2048);
            var request = new CertificateRequest("CN=localhost", server, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            request.CertificateExtensions.Add(names.Build());
            using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, [1, 2, 3]);
            (Certificate, Key) = (certificate.ExportCertificatePem(), server.ExportPkcs8PrivateKeyPem());
        }
        TrustedRoot = Write("trusted.crt", authority);
        using var other = MakeAuthority("other", out var otherKey);
        otherKey.Dispose();
        OtherRoot = Write("other.crt", other);
    }

    /// <summary>The certificate that the servers' are signed by.</summary>
    public string TrustedRoot { get; }

    /// <summary>One that they are not signed by.</summary>
    public string OtherRoot { get; }

    internal PostgreSqlServer this[int version] => _servers.GetOrAdd(version, key => new Lazy<PostgreSqlServer>(() => Start(key))).Value;

    private string Certificate { get; }

    private string Key { get; }

    public void Dispose()
    {
        foreach (var server in _servers.Values)
            if (server.IsValueCreated)
                server.Value.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    internal WireSettings SettingsOf(int version, string user = "nebula", SslMode mode = SslMode.Disable, string host = "127.0.0.1") =>
        new(host, this[version].Port, "postgres", user) { Password = PostgreSqlServer.Password, SslMode = mode, ApplicationName = "wire" };

    private PostgreSqlServer Start(int version)
    {
        var server = PostgreSqlServer.Start(version);
        server.Execute($"""
            CREATE ROLE by_trust LOGIN; CREATE ROLE by_password LOGIN PASSWORD '{PostgreSqlServer.Password}';
            CREATE ROLE only_plain LOGIN PASSWORD '{PostgreSqlServer.Password}'; CREATE ROLE only_encrypted LOGIN PASSWORD '{PostgreSqlServer.Password}';
            SET password_encryption = md5; CREATE ROLE by_md5 LOGIN PASSWORD '{PostgreSqlServer.Password}'
            """);
        server.Configure("server.crt", Certificate);
        server.Configure("server.key", Key);
        server.Execute("ALTER SYSTEM SET ssl = on");
        server.Configure("pg_hba.conf", """
            host      all by_trust       all trust
            host      all by_password    all password
            host      all by_md5         all md5
            hostssl   all only_plain     all reject
            hostnossl all only_encrypted all reject
            host      all all            all scram-sha-256
            local     all all                scram-sha-256
            """);
        // the settings are read a moment after that was asked for
        for (var tries = 0; tries < 1_200 && !IsConfigured(server); tries++)
            Thread.Yield();
        return server;
    }

    private static bool IsConfigured(PostgreSqlServer server) => server.Ask<string>("SHOW ssl") == "on"
        && server.Ask<long>("SELECT count(*) FROM pg_hba_file_rules WHERE error IS NULL") == 7;

    private static X509Certificate2 MakeAuthority(string name, out RSA key)
    {
        key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private string Write(string name, X509Certificate2 certificate)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, certificate.ExportCertificatePem());
        return path;
    }
}
