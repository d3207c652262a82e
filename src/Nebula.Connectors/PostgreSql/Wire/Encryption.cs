using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>What is checked of a server's certificate, and what it is shown. Manual, "SSL Support" of libpq.</summary>
internal static class Encryption
{
    private const string Protocol = "postgresql";

    /// <summary>What is checked, and shown.</summary>
    /// <param name="settings">Mode and certificates.</param>
    public static SslClientAuthenticationOptions OptionsOf(WireSettings settings)
    {
        var checksNothing = settings.SslMode is SslMode.Allow or SslMode.Prefer or SslMode.Require;
        var tolerated = checksNothing ? (SslPolicyErrors)~0 : settings.SslMode == SslMode.VerifyCA ? SslPolicyErrors.RemoteCertificateNameMismatch
            : SslPolicyErrors.None;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = settings.Host,
            ApplicationProtocols = [new SslApplicationProtocol(Protocol)],
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => certificate is not null && (errors & ~tolerated) == SslPolicyErrors.None,
        };
        if (!checksNothing && (settings.RootCertificate ?? FileOf("PGSSLROOTCERT", "root.crt")) is { } roots)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(roots);
            options.CertificateChainPolicy = policy;
        }
        if (FileOf("PGSSLCERT", "postgresql.crt") is { } shown)
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(shown);
            options.ClientCertificateContext = SslStreamCertificateContext.Create(
                X509Certificate2.CreateFromPemFile(shown, FileOf("PGSSLKEY", "postgresql.key")), [.. chain.Skip(1)]);
        }
        return options;
    }

    /// <summary>What the server's certificate is told by in <c>tls-server-end-point</c>. RFC 5929, section 4.1.</summary>
    /// <param name="stream">The encryption.</param>
    /// <returns>Null for a certificate whose signature names no hash.</returns>
    public static byte[]? HashOf(SslStream stream)
    {
        if (stream.RemoteCertificate is not { } remote)
            return null;
        var certificate = remote.GetRawCertData();
        using var parsed = X509CertificateLoader.LoadCertificate(certificate);
        var name = parsed.SignatureAlgorithm.FriendlyName ?? "";
        return true switch
        {
            _ when name.StartsWith("sha384", StringComparison.OrdinalIgnoreCase) => SHA384.HashData(certificate),
            _ when name.StartsWith("sha512", StringComparison.OrdinalIgnoreCase) => SHA512.HashData(certificate),
            _ when name.StartsWith("sha256", StringComparison.OrdinalIgnoreCase) || name.StartsWith("sha1", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("md5", StringComparison.OrdinalIgnoreCase) => SHA256.HashData(certificate),
            _ => null,
        };
    }

    private static string? FileOf(string variable, string name)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named)
            return named;
        var home = Environment.GetEnvironmentVariable(OperatingSystem.IsWindows() ? "APPDATA" : "HOME");
        var path = string.IsNullOrEmpty(home) ? null : Path.Combine(home, OperatingSystem.IsWindows() ? "postgresql" : ".postgresql", name);
        return File.Exists(path) ? path : null;
    }
}
