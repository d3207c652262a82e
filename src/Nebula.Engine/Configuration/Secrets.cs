using System.Collections.Immutable;
using System.Text.Json;

namespace Nebula.Engine.Configuration;

/// <summary>
/// The values that must never be printed. Every output (terminal, log, error, event) passes its text through <see cref="Redact"/>. Safe for many threads.
/// </summary>
public sealed class Secrets
{
    /// <summary>What stands in the place of a secret.</summary>
    public const string Mask = "***";

    // Shorter values are no protection to whoever chose them, and hiding every 'a' or '12' would make output unreadable.
    private const int MinLength = 3;

    private static readonly HashSet<string> Words = new(StringComparer.Ordinal)
    {
        "password", "passwd", "pwd", "passphrase", "secret", "token", "connection_string", "dsn", "api_key", "apikey", "access_key", "account_key",
        "shared_key", "private_key", "secret_key", "sas", "credential", "credentials", "auth_header", "authorization",
    };

    private readonly Lock _lock = new();
    private ImmutableArray<string> _longestFirst = [];

    /// <summary>
    /// Whether the value of an option of this name is a secret by its name alone: <c>password</c>, <c>client_secret</c>, <c>connection_string</c>.
    /// </summary>
    /// <param name="key">The option's name.</param>
    public static bool IsSecretKey(string key)
    {
        var name = key.Replace('-', '_').ToLowerInvariant();
        if (Words.Contains(name))
            return true;
        for (var at = name.IndexOf('_', StringComparison.Ordinal); at >= 0; at = name.IndexOf('_', at + 1))
            if (Words.Contains(name[(at + 1)..]))
                return true;
        return false;
    }

    /// <summary>Adds a value, as it is and as it looks in a URL, in JSON and line by line. Values of less than 3 characters are not kept.</summary>
    /// <param name="value">The secret.</param>
    public void Add(string value)
    {
        if (value.Length < MinLength)
            return;
        var forms = new List<string> { value, Uri.EscapeDataString(value), JsonEncodedText.Encode(value).ToString() };
        if (value.AsSpan().ContainsAny('\n', '\r'))
            forms.AddRange(value.Split(['\n', '\r'], StringSplitOptions.TrimEntries).Where(static line => line.Length >= MinLength));
        lock (_lock)
            _longestFirst = [.. _longestFirst.Union(forms).OrderByDescending(static form => form.Length).ThenBy(static form => form, StringComparer.Ordinal)];
    }

    /// <summary>Replaces every secret in a text by <see cref="Mask"/>.</summary>
    /// <param name="text">The text.</param>
    public string Redact(string text)
    {
        foreach (var secret in _longestFirst)
            if (text.Contains(secret, StringComparison.Ordinal))
                text = text.Replace(secret, Mask, StringComparison.Ordinal);
        return text;
    }
}
