using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Output;

/// <summary>Colours by meaning.</summary>
internal enum Paint
{
    /// <summary>As the terminal has it.</summary>
    Plain,

    /// <summary>What matters most.</summary>
    Strong,

    /// <summary>What can be skipped.</summary>
    Faint,

    /// <summary>It went well.</summary>
    Good,

    /// <summary>It needs a look.</summary>
    Warning,

    /// <summary>It failed.</summary>
    Bad,
}

/// <summary>
/// Standard error: the place for people. Lines scroll; a region at the bottom can be drawn over and over (progress), and lines written meanwhile go above it.
/// </summary>
internal sealed class Terminal
{
    private readonly TextWriter _writer;
    private readonly Func<int> _width;
    private readonly Lock _lock = new();
    private List<string> _region = [];

    /// <param name="writer">Where the text goes.</param>
    /// <param name="isInteractive">Whether somebody watches who can be shown things that move.</param>
    /// <param name="hasColor">Whether colours are wanted.</param>
    /// <param name="width">Asked before each drawing: windows are resized.</param>
    public Terminal(TextWriter writer, bool isInteractive, bool hasColor, Func<int> width)
    {
        _writer = writer;
        _width = width;
        IsInteractive = isInteractive;
        HasColor = hasColor;
    }

    /// <summary>Whether things may move.</summary>
    public bool IsInteractive { get; }

    /// <summary>Whether colours are used.</summary>
    public bool HasColor { get; set; }

    /// <summary>Columns of the window.</summary>
    public int Width => Math.Max(20, _width());

    /// <summary>Makes the terminal of this process.</summary>
    public static Terminal OfProcess()
    {
        var dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        var interactive = !Console.IsErrorRedirected && !dumb;
        var color = interactive && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
        // only Windows needs the runtime's console to find the right encoding
        var writer = OperatingSystem.IsWindows() ? Console.Error
            : new StreamWriter(StandardStream.OpenError(), new UTF8Encoding(false), 1024) { AutoFlush = false };
        return new Terminal(writer, interactive, color, TerminalSize.Width);
    }

    /// <summary>Puts a colour around text, where there are colours.</summary>
    public string With(Paint paint, string text) => !HasColor || paint == Paint.Plain ? text : paint switch
    {
        Paint.Strong => $"\e[1m{text}\e[0m",
        Paint.Faint => $"\e[2m{text}\e[0m",
        Paint.Good => $"\e[32m{text}\e[0m",
        Paint.Warning => $"\e[33m{text}\e[0m",
        _ => $"\e[31m{text}\e[0m",
    };

    /// <summary>Writes a line, above the region if there is one.</summary>
    public void WriteLine(string line = "")
    {
        lock (_lock)
            Draw(line, _region);
    }

    /// <summary>Draws the region anew; no lines take it away.</summary>
    public void ShowRegion(List<string> lines)
    {
        lock (_lock)
            Draw(null, lines);
    }

    /// <summary>Removes colours, for measuring what is seen.</summary>
    public static int VisibleLength(ReadOnlySpan<char> text)
    {
        var length = 0;
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '\e')
                while (i < text.Length && text[i] != 'm')
                    i++;
            else
                length++;
        return length;
    }

    private void Draw(string? line, List<string> region)
    {
        var text = new StringBuilder();
        Erase(text);
        if (line is not null)
            text.Append(line).Append('\n');
        for (var i = 0; i < region.Count; i++)
            text.Append(region[i]).Append(i < region.Count - 1 ? "\n" : "");
        _region = region;
        try
        {
            // one write for all of it, or it flickers
            _writer.Write(text);
            _writer.Flush();
        }
        catch (Exception e) when (e is IOException or NebulaException)
        {
            // nobody reads what is meant for people; that is no reason to stop the work
        }
    }

    private void Erase(StringBuilder text)
    {
        if (_region.Count == 0)
            return;
        // the window may have become narrower since: its lines then take more rows
        var width = Width;
        var rows = _region.Sum(l => Math.Max(1, (VisibleLength(l) + width - 1) / width));
        text.Append('\r');
        if (rows > 1)
            text.Append("\e[").Append(rows - 1).Append('A');
        text.Append("\e[J");
    }
}
