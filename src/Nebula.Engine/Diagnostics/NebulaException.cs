namespace Nebula.Engine.Diagnostics;

/// <summary>An error that Nebula understands: what failed, where, and what to do about it.</summary>
/// <param name="kind">The class of the failure.</param>
/// <param name="message">What failed and what to do; complete sentences for the user. The location is put in front by <see cref="Exception.Message"/>.</param>
/// <param name="location">Where in the input it was found, if anywhere.</param>
/// <param name="inner">The cause, for logs.</param>
public class NebulaException(ErrorKind kind, string message, SourceLocation? location = null, Exception? inner = null)
    : Exception(location is { } at ? $"{at}: {message}" : message, inner)
{
    /// <summary>The class of the failure.</summary>
    public ErrorKind Kind { get; } = kind;

    /// <summary>Where in the input the failure was found; null when it has no place there.</summary>
    public SourceLocation? Location { get; } = location;

    /// <summary>What failed and what to do, without the location.</summary>
    public string Reason { get; } = message;

    /// <summary>How long the failing system asked to wait before the call is repeated; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the same call may succeed when it is repeated.</summary>
    public bool IsTransient => Kind is ErrorKind.Throttled or ErrorKind.Transient;

    /// <summary>Makes the error of a wrong setting.</summary>
    /// <param name="message">What is wrong and what to write instead.</param>
    /// <param name="location">The place in the pipeline file, if it came from one.</param>
    public static NebulaException Configuration(string message, SourceLocation? location = null) => new(ErrorKind.Configuration, message, location);

    /// <summary>Makes the error of a missing object.</summary>
    /// <param name="message">What is missing and where it was looked for.</param>
    public static NebulaException NotFound(string message) => new(ErrorKind.NotFound, message);
}
