using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Location">Where: file, line and position, or the flag or variable that set it.</param>
/// <param name="Message">What is wrong and what to write instead.</param>
public sealed record ConfigProblem(SourceLocation Location, string Message)
{
    /// <summary>Renders location and message in one line.</summary>
    public override string ToString() => $"{Location}: {Message}";
}

/// <summary>A configuration that cannot be used. Carries everything that is wrong with it, so that one look at the file is enough.</summary>
public sealed class ConfigurationException : NebulaException
{
    internal ConfigurationException(IReadOnlyList<ConfigProblem> problems)
        : base(ErrorKind.Configuration, Describe(problems), problems.Count == 1 ? problems[0].Location : null) => Problems = problems;

    internal ConfigurationException(SourceLocation location, string message) : this([new ConfigProblem(location, message)])
    {
    }

    /// <summary>What is wrong, in the order of the file; at least one.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }

    private static string Describe(IReadOnlyList<ConfigProblem> problems) => problems.Count == 1
        ? problems[0].Message
        : $"{problems.Count} problems in the configuration:\n" + string.Join('\n', problems.Select(static problem => "  " + problem));
}

/// <summary>Collects problems until all of a configuration was looked at.</summary>
/// <param name="secrets">What no message may show.</param>
internal sealed class ConfigProblems(Secrets secrets)
{
    // A file that is wrong everywhere (another program's, say) needs no longer list than this.
    private const int MaxShown = 50;

    private readonly List<ConfigProblem> _problems = [];

    /// <summary>Whether nothing was found.</summary>
    public bool IsEmpty => _problems.Count == 0;

    /// <summary>Adds a problem.</summary>
    /// <param name="location">Where it is.</param>
    /// <param name="message">What is wrong and what to do.</param>
    public void Add(SourceLocation location, string message) => _problems.Add(new ConfigProblem(location, message));

    /// <summary>Adds the problems of an error that ended the reading of one part.</summary>
    /// <param name="error">The error.</param>
    public void Add(ConfigurationException error) => _problems.AddRange(error.Problems);

    /// <summary>Ends the reading when there are problems.</summary>
    /// <exception cref="ConfigurationException">There are.</exception>
    public void ThrowIfAny()
    {
        if (IsEmpty)
            return;
        var ordered = _problems
            .OrderBy(static problem => problem.Location.Name, StringComparer.Ordinal)
            .ThenBy(static problem => problem.Location.Line)
            .ThenBy(static problem => int.TryParse(problem.Location.Column, out var column) ? column : 0)
            .Distinct()
            .ToList();
        var shown = ordered.Take(MaxShown).Select(problem => problem with { Message = secrets.Redact(problem.Message) }).ToList();
        if (ordered.Count > shown.Count)
            shown.Add(new ConfigProblem(shown[^1].Location with { Line = 0, Column = null }, $"{ordered.Count - shown.Count} more problems are not shown."));
        throw new ConfigurationException(shown);
    }
}
