using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>What one chunk reads: a relation, or some of its blocks, or the rows of a statement.</summary>
/// <param name="Schema">Schema of the relation, which may be a partition of the stream's.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>pg_class.relkind</c> of it, or <see cref="Statement"/>.</param>
internal sealed record TableChunk(string Schema, string Name, char Kind)
{
    /// <summary>The kind of a statement.</summary>
    public const char Statement = 'q';

    private const string Open = "";

    /// <summary>First block; null to read the relation as a whole.</summary>
    public long? FirstBlock { get; init; }

    /// <summary>The block behind the last; null for the end of the relation, wherever that is when it is read.</summary>
    public long? EndBlock { get; init; }

    /// <summary>Condition on the rows besides the stream's own, as SQL; null for none.</summary>
    public string? Condition { get; init; }

    /// <summary>Where the read before ended, for statements that ask for it; null for nowhere.</summary>
    public string? After { get; init; }

    /// <summary>Stored bytes, which its description does not have; null for not known.</summary>
    public long? Bytes { get; init; }

    /// <summary>Whether the rows are stored in blocks of its own.</summary>
    public bool IsStored => Kind is 'r' or 'm' or 'p';

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    /// <param name="text">The description of a chunk.</param>
    public static TableChunk Parse(string text) => TextList.Parse(text) is [var schema, var name, [var kind], var first, var end, var condition, var after]
        ? new TableChunk(schema, name, kind)
        {
            FirstBlock = Block(first),
            EndBlock = Block(end),
            Condition = condition == Open ? null : condition,
            After = after == Open ? null : after[1..],
        }
        : throw new NebulaException(ErrorKind.Fatal, $"'{text}' does not describe a chunk of a table. Start the run again.");

    /// <summary>Writes the description of the chunk.</summary>
    public string Render() => TextList.Render(
        // a value may be empty, which is not the same as none
        [Schema, Name, Kind.ToString(), Text(FirstBlock), Text(EndBlock), Condition ?? Open, After is null ? Open : $"={After}"]);

    private static string Text(long? block) => block?.ToString(CultureInfo.InvariantCulture) ?? Open;

    private static long? Block(string text) => text == Open ? null : long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
