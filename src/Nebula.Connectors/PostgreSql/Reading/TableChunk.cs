using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>What one chunk reads: a relation, or some of its blocks.</summary>
/// <param name="Schema">Schema of the relation, which may be a partition of the stream's.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>pg_class.relkind</c> of it.</param>
internal sealed record TableChunk(string Schema, string Name, char Kind)
{
    private const string Open = "";

    /// <summary>First block; null to read the relation as a whole.</summary>
    public long? FirstBlock { get; init; }

    /// <summary>The block behind the last; null for the end of the relation, wherever that is when it is read.</summary>
    public long? EndBlock { get; init; }

    /// <summary>Reads what <see cref="Render"/> wrote.</summary>
    /// <param name="text">The description of a chunk.</param>
    public static TableChunk Parse(string text) => TextList.Parse(text) is [var schema, var name, [var kind], var first, var end]
        ? new TableChunk(schema, name, kind) { FirstBlock = Block(first), EndBlock = Block(end) }
        : throw new NebulaException(ErrorKind.Fatal, $"'{text}' does not describe a chunk of a table. Start the run again.");

    /// <summary>Writes the description of the chunk.</summary>
    public string Render() => TextList.Render([Schema, Name, Kind.ToString(), Text(FirstBlock), Text(EndBlock)]);

    private static string Text(long? block) => block?.ToString(CultureInfo.InvariantCulture) ?? Open;

    private static long? Block(string text) => text == Open ? null : long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
