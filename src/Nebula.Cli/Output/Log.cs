using System.Globalization;
using Nebula.Engine.Configuration;

namespace Nebula.Cli.Output;

/// <summary>Lines for whoever wants to know what happens inside, on standard error. Secrets are taken out.</summary>
internal sealed class Log(Terminal terminal)
{
    /// <summary>The least important level that is shown.</summary>
    public LoggingLevel Level { get; set; } = LoggingLevel.Info;

    /// <summary>Takes secrets out of text.</summary>
    public Func<string, string> Redact { get; set; } = static text => text;

    /// <summary>Whether a level is shown; asked before text is put together.</summary>
    public bool Shows(LoggingLevel level) => level >= Level;

    /// <summary>Writes a line, if its level is shown.</summary>
    public void Write(LoggingLevel level, string text)
    {
        if (!Shows(level))
            return;
        var (name, paint) = level switch
        {
            LoggingLevel.Debug => ("debug", Paint.Faint),
            LoggingLevel.Info => ("info ", Paint.Plain),
            LoggingLevel.Warn => ("warn ", Paint.Warning),
            _ => ("error", Paint.Bad),
        };
        var time = DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        terminal.WriteLine($"{terminal.With(Paint.Faint, time)} {terminal.With(paint, name)} {Redact(text)}");
    }
}
