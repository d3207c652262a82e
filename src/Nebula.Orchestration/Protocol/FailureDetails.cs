using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Protocol;

/// <summary>Why a task failed, as it travels through history.</summary>
/// <param name="ErrorType">The class of the error. Errors of ours have the name of an <see cref="ErrorKind"/>, a point and the name of the exception.</param>
/// <param name="Message">What failed and what to do.</param>
/// <remarks>Durable Task protocol, message <c>TaskFailureDetails</c>.</remarks>
public sealed record FailureDetails(string ErrorType, string Message)
{
    // deeper chains are cut, so that no history can make a reader recurse without bound
    internal const int MaxDepth = 16;
    private const int MaxMessage = 4_000;

    /// <summary>Where it was thrown, for logs.</summary>
    public string? StackTrace { get; init; }

    /// <summary>The cause.</summary>
    public FailureDetails? Inner { get; init; }

    /// <summary>Whether it is useless to repeat the task.</summary>
    public bool IsNonRetriable { get; init; }

    /// <summary>Whether this is a host's word for a worker that died within a turn of an orchestration, and not an error of the orchestration.</summary>
    public bool IsLost => IsLostMessage(Message);

    /// <summary>The class of the failure.</summary>
    /// <remarks>A host tells of a lost worker in its own words; everything that has a broken connection or a cancelled call as cause may be repeated.</remarks>
    public ErrorKind Kind
    {
        get
        {
            var point = ErrorType.IndexOf('.', StringComparison.Ordinal);
            if (Enum.TryParse<ErrorKind>(point < 0 ? ErrorType : ErrorType[..point], out var kind) && Enum.IsDefined(kind))
                return kind;
            for (var failure = this; failure is not null; failure = failure.Inner)
                if (failure.ErrorType is "System.Net.Http.HttpRequestException" or "System.Threading.Tasks.TaskCanceledException" or "System.IO.IOException"
                    or "System.TimeoutException")
                    return ErrorKind.Transient;
            return ErrorKind.Fatal;
        }
    }

    /// <summary>The exception's name, without namespace and kind.</summary>
    public string Name => ErrorType[(ErrorType.LastIndexOf('.') + 1)..];

    /// <summary>Whether a message is that of a Functions host whose worker died within a turn of an orchestration.</summary>
    /// <param name="message">The message of a failed instance.</param>
    public static bool IsLostMessage(string message) => message.Contains("Function '", StringComparison.Ordinal)
        && message.Contains("' failed with an unhandled exception.", StringComparison.Ordinal);

    /// <summary>Describes an exception.</summary>
    /// <param name="error">The exception.</param>
    public static FailureDetails Of(Exception error) => Of(error, 0);

    private static FailureDetails Of(Exception error, int depth)
    {
        if (error is TaskFailedException { Failure: { } failure })
            return failure;
        var kind = error switch
        {
            NebulaException nebula => nebula.Kind,
            HttpRequestException or TimeoutException or TaskCanceledException => ErrorKind.Transient,
            OutOfMemoryException => ErrorKind.Limit,
            _ => ErrorKind.Fatal,
        };
        return new FailureDetails($"{kind}.{error.GetType().Name}", Cut(error.Message))
        {
            // our own errors say where in their message; of others only the place in the code helps
            StackTrace = error is NebulaException || error.StackTrace is null ? null : Cut(error.StackTrace),
            Inner = error.InnerException is { } inner && depth < MaxDepth ? Of(inner, depth + 1) : null,
            IsNonRetriable = kind is not (ErrorKind.Transient or ErrorKind.Throttled),
        };
    }

    private static string Cut(string text) => text.Length <= MaxMessage ? text : string.Concat(text.AsSpan(0, MaxMessage), "…");
}
