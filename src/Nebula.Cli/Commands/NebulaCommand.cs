using System.CommandLine;

namespace Nebula.Cli.Commands;

/// <summary>A command: its flags, its examples, and what it does.</summary>
internal abstract class NebulaCommand : Command
{
    private readonly CommandContext _context;

    protected NebulaCommand(string name, string summary, CommandContext context)
        : base(name, summary)
    {
        _context = context;
        SetAction(arguments => Execute(arguments, _context));
    }

    /// <summary>Whole command lines that show what the command is good for, in the help.</summary>
    public IReadOnlyList<string> Examples { get; protected init; } = [];

    /// <summary>Does it.</summary>
    /// <param name="arguments">What the user wrote.</param>
    /// <param name="context">What the command works with.</param>
    /// <returns>The exit code.</returns>
    protected abstract int Execute(ParseResult arguments, CommandContext context);
}
