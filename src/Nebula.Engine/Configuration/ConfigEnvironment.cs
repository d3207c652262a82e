using System.Collections.ObjectModel;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// What surrounds a pipeline file: variables and the user's own connections. A variable is looked up in <see cref="Overrides"/>, then in the process, then in
/// the <c>.env</c> file beside the pipeline file.
/// </summary>
public sealed record ConfigEnvironment
{
    /// <summary>Variables set for this run alone (<c>--env K=V</c>).</summary>
    public IReadOnlyDictionary<string, string> Overrides { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Looks up a variable of the process; null when it is not set.</summary>
    public Func<string, string?> Process { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The file with the user's own connections; it may be missing. Null for none.</summary>
    /// <value><c>~/.nebula/connections.yaml</c>.</value>
    public string? ConnectionsPath { get; init; } = DefaultConnectionsPath();

    /// <summary>Collects the secrets met while reading, for every output to redact.</summary>
    public Secrets Secrets { get; init; } = new();

    /// <summary>The variables of the <c>.env</c> file beside the pipeline file.</summary>
    internal IReadOnlyDictionary<string, string> DotEnv { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Splits <c>NAME=value</c> as <c>--env</c> takes it.</summary>
    /// <param name="assignment">The text.</param>
    /// <exception cref="ConfigurationException">It has no name or no equals sign.</exception>
    public static KeyValuePair<string, string> ParseAssignment(string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && IsName(assignment.AsSpan(0, equals))
            ? new KeyValuePair<string, string>(assignment[..equals], assignment[(equals + 1)..])
            : throw new ConfigurationException(
                new SourceLocation("--env"), $"Write NAME=value; this is {ConfigScalar.Quote(equals > 0 ? assignment[..equals] : assignment)}.");
    }

    /// <summary>Finds a variable; null when none of the three places has it.</summary>
    /// <param name="name">Its name.</param>
    internal string? Find(string name) => Overrides.TryGetValue(name, out var value) ? value : Process(name) ?? DotEnv.GetValueOrDefault(name);

    /// <summary>Adds the variables of the <c>.env</c> file beside a pipeline file, if there is one.</summary>
    /// <param name="pipelinePath">The pipeline file.</param>
    /// <exception cref="ConfigurationException">The file has a line that is no assignment.</exception>
    internal ConfigEnvironment Beside(string pipelinePath)
    {
        var path = Path.Combine(Path.GetDirectoryName(pipelinePath) ?? "", ".env");
        return File.Exists(path) ? this with { DotEnv = DotEnvFile.Read(ConfigTextFile.Read(path), path) } : this;
    }

    /// <summary>Whether a text can name a variable: letters, digits and underscores, no digit first.</summary>
    /// <param name="text">The text.</param>
    internal static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || char.IsAsciiDigit(text[0]))
            return false;
        foreach (var c in text)
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return false;
        return true;
    }

    private static string? DefaultConnectionsPath()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return home.Length == 0 ? null : Path.Combine(home, ".nebula", "connections.yaml");
    }
}
