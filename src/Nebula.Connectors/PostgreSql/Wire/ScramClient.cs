using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>Proves to a server that a password is known, and has the server prove the same. RFC 5802, with SHA-256 (RFC 7677).</summary>
/// <param name="password">The password.</param>
/// <param name="nonce">What this log-in is told from others by.</param>
/// <param name="binding">How the log-in is bound to the encryption: <c>n,,</c>, <c>y,,</c>, or <c>p=…,,</c>.</param>
/// <param name="bound">What it is bound to; empty for nothing.</param>
internal sealed class ScramClient(string password, string nonce, string binding, byte[] bound)
{
    // as many take seconds; a server that asks for more keeps this one busy
    private const int MostIterations = 10_000_000;
    private byte[] _signature = [];

    /// <summary>The first message.</summary>
    public string First => $"{binding}n=,r={nonce}";

    /// <summary>Answers the server's first message.</summary>
    /// <param name="challenge">What the server said.</param>
    /// <returns>The answer; null when the server said something else.</returns>
    public string? Answer(string challenge)
    {
        var fields = challenge.Split(',');
        if (fields is not [['r', '=', .. var both], ['s', '=', .. var salted], ['i', '=', .. var count], ..]
            || !both.StartsWith(nonce, StringComparison.Ordinal) || both.Length == nonce.Length || Bytes(salted) is not { } salt
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations is < 1 or > MostIterations)
            return null;
        byte[] channel = [.. Encoding.ASCII.GetBytes(binding), .. bound];
        var last = $"c={Convert.ToBase64String(channel)},r={both}";
        var everything = Encoding.UTF8.GetBytes($"n=,r={nonce},{challenge},{last}");
        var key = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password.Normalize(NormalizationForm.FormKC)), salt, iterations, HashAlgorithmName.SHA256,
            SHA256.HashSizeInBytes);
        var proof = HMACSHA256.HashData(key, "Client Key"u8);
        var signature = HMACSHA256.HashData(SHA256.HashData(proof), everything);
        for (var i = 0; i < proof.Length; i++)
            proof[i] ^= signature[i];
        _signature = HMACSHA256.HashData(HMACSHA256.HashData(key, "Server Key"u8), everything);
        return $"{last},p={Convert.ToBase64String(proof)}";
    }

    /// <summary>Whether the server knows the password too.</summary>
    /// <param name="last">The server's last message.</param>
    public bool IsProven(string last) =>
        last.StartsWith("v=", StringComparison.Ordinal) && Bytes(last[2..]) is { } given && CryptographicOperations.FixedTimeEquals(given, _signature);

    private static byte[]? Bytes(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var count) && count > 0 ? bytes[..count] : null;
    }
}
