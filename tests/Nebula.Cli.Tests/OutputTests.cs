using Nebula.Cli.Output;
using Nebula.Engine.Configuration;

namespace Nebula.Cli.Tests;

/// <summary>What is drawn, without a terminal.</summary>
public sealed class OutputTests
{
    [Fact]
    public void Table_WiderThanTheWindow_CutsTheWidestColumns()
    {
        var table = new TextTable("id", "text") { Absent = "null", Cuts = true };
        table.AlignRight(0);
        table.Add("1", new string('x', 100));
        table.Add("22", null);
        var output = new StringWriter { NewLine = "\n" };
        table.Write(output, 24);
        Assert.Equal($"id  text\n 1  {new string('x', 19)}…\n22  null\n", output.ToString());
    }

    [Fact]
    public void Table_WiderThanTheWindow_WrapsAndLosesNothing()
    {
        var table = new TextTable("name", "form", "meaning");
        table.Add("quote", "one|two|three|four|five", "Encloses fields that have special characters in them.");
        var output = new StringWriter { NewLine = "\n" };
        table.Write(output, 50);
        Assert.Equal(
            """
            name   form                  meaning
            quote  one|two|three|four|   Encloses fields that
                   five                  have special
                                         characters in them.

            """, output.ToString());
    }

    [Fact]
    public void Table_MoreColumnsThanTheWindowHolds_ComesInPartsThatNameTheRows()
    {
        var table = new TextTable("n", "path", "first_of_the_numbers", "second_of_numbers", "third");
        foreach (var number in (int[])[0, 2, 3, 4])
            table.AlignRight(number);
        table.Add("1", "a", "10", "20", "30");
        var output = new StringWriter { NewLine = "\n" };
        table.Write(output, 40);
        Assert.Equal(
            """
            n  path  first_of_the_numbers
            1  a                       10

            n  path  second_of_numbers  third
            1  a                    20     30

            """, output.ToString());
    }

    [Fact]
    public void Table_ControlCharacters_CannotBreakLinesOrTheTerminal()
    {
        var table = new TextTable("a");
        table.Add("x\n\ty\u001b[2J");
        var output = new StringWriter { NewLine = "\n" };
        table.Write(output, null);
        Assert.Equal("a\nx\\n\\ty·[2J\n", output.ToString());
    }

    [Fact]
    public void Region_LineWritten_GoesAboveIt()
    {
        var output = new StringWriter();
        var terminal = new Terminal(output, isInteractive: true, hasColor: false, () => 80);
        terminal.ShowRegion(["one", "two"]);
        terminal.WriteLine("log");
        Assert.Equal("one\ntwo" + "\r\e[1A\e[J" + "log\none\ntwo", output.ToString());
    }

    [Fact]
    public void Region_WindowBecameNarrower_IsErasedWhole()
    {
        var width = 80;
        var output = new StringWriter();
        var terminal = new Terminal(output, isInteractive: true, hasColor: true, () => width);
        terminal.ShowRegion([terminal.With(Paint.Good, new string('x', 60))]);
        width = 25;
        output.GetStringBuilder().Clear();
        terminal.ShowRegion([]);
        Assert.Equal("\r\e[2A\e[J", output.ToString());
    }

    [Theory]
    [InlineData("plain", 5)]
    [InlineData("\e[31mred\e[0m!", 4)]
    public void VisibleLength_LeavesColoursOut(string text, int length) => Assert.Equal(length, Terminal.VisibleLength(text));

    [Fact]
    public void Log_BelowItsLevel_IsSilent_AndSecretsAreTakenOut()
    {
        var output = new StringWriter();
        var log = new Log(new Terminal(output, isInteractive: false, hasColor: false, () => 80))
        {
            Level = LoggingLevel.Warn,
            Redact = static text => text.Replace("pass", "***", StringComparison.Ordinal)
        };
        log.Write(LoggingLevel.Info, "nothing");
        log.Write(LoggingLevel.Warn, "word is pass");
        Assert.EndsWith("warn  word is ***\n", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("nothing", output.ToString(), StringComparison.Ordinal);
    }
}
