using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Nebula.Orchestration;

namespace Nebula.Functions.Hosting;

/// <summary>The log: one line a record, on standard output. The host takes each line there as one record of its own, and everything on standard error as an
/// error.</summary>
/// <param name="output">Where lines go.</param>
/// <param name="redact">Takes secrets out of a line.</param>
internal sealed class LineLog(Stream output, Func<string, string> redact) : ILoggerProvider, IOrchestrationLog
{
    private readonly Lock _writing = new();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Write(string instanceId, OrchestrationLogLevel level, string message)
    {
        using var scope = CallScope.ForInstance(instanceId);
        Write(level switch
        {
            OrchestrationLogLevel.Debug => LogLevel.Debug,
            OrchestrationLogLevel.Warning => LogLevel.Warning,
            _ => LogLevel.Information,
        }, "Orchestration", message, null);
    }

    public void Dispose() => output.Flush();

    private void Write(LogLevel level, string category, string message, Exception? error)
    {
        var line = new StringBuilder(256)
            .Append(DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)).Append(' ')
            .Append(level.ToString().ToLowerInvariant()).Append(' ').Append(category).Append(": ").Append(message);
        if (error is not null)
            line.Append(" | ").Append(error);
        if (CallScope.Current is { } scope)
        {
            line.Append(" [function=").Append(scope.Function).Append(" invocation=").Append(scope.InvocationId);
            if (scope.InstanceId is { } instance)
                line.Append(" instance=").Append(instance);
            if (scope.TraceParent is { } trace)
                line.Append(" trace=").Append(trace);
            line.Append(']');
        }
        line.Replace("\r", "").Replace("\n", " | ");
        var bytes = Encoding.UTF8.GetBytes(redact(line.ToString()) + "\n");
        lock (_writing)
        {
            output.Write(bytes);
            output.Flush();
        }
    }

    private sealed class Logger(LineLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Write(logLevel, category, formatter(state, exception), exception);
        }
    }
}
