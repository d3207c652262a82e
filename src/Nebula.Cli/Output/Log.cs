using System.Globalization;

namespace Nebula.Cli.Output;

/// <summary>How much is told while a run goes on.</summary>
internal enum LogLevel
{
    /// <summary>Everything, with stack traces of errors.</summary>
    Debug,

    /// <summary>Each step.</summary>
    Info,

    /// <summary>What needs a look.</summary>
    Warn,

    /// <summary>What failed.</summary>
    Error,
}

/// <summary>Lines for whoever wants to know what happens inside, on standard error. Secrets are taken out.</summary>
internal sealed class Log(Terminal terminal)
{
    /// <summary>The least important level that is shown.</summary>
    public LogLevel Level { get; set; } = LogLevel.Info;

    /// <summary>Takes secrets out of text.</summary>
    public Func<string, string> Redact { get; set; } = static text => text;

    /// <summary>Whether a level is shown; asked before text is put together.</summary>
    public bool Shows(LogLevel level) => level >= Level;

    /// <summary>Writes a line, if its level is shown.</summary>
    public void Write(LogLevel level, string text)
    {
        if (!Shows(level))
            return;
        var (name, paint) = level switch
        {
            LogLevel.Debug => ("debug", Paint.Faint),
            LogLevel.Info => ("info ", Paint.Plain),
            LogLevel.Warn => ("warn ", Paint.Warning),
            _ => ("error", Paint.Bad),
        };
        var time = DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        terminal.WriteLine($"{terminal.With(Paint.Faint, time)} {terminal.With(paint, name)} {Redact(text)}");
    }
}
