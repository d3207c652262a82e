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
        terminal.WriteLine($"{terminal.With(Paint.Faint, Format(DateTime.Now))} {terminal.With(paint, name)} {Redact(text)}");
    }

    /// <summary>Hours, minutes, seconds and milliseconds. The first use of a format string costs more than a short run's first line may.</summary>
    private static string Format(DateTime time) => string.Create(12, time, static (text, time) =>
    {
        Put(text[9..], time.Millisecond);
        text[8] = '.';
        Put(text[6..8], time.Second);
        text[5] = ':';
        Put(text[3..5], time.Minute);
        text[2] = ':';
        Put(text[..2], time.Hour);
    });

    private static void Put(Span<char> digits, int value)
    {
        for (var i = digits.Length - 1; i >= 0; i--, value /= 10)
            digits[i] = (char)('0' + value % 10);
    }
}
