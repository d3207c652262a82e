using Nebula.Connectors.PostgreSql.Types;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>How rows of a published table become rows of a stream.</summary>
/// <param name="Rows">Takes them.</param>
/// <param name="Relation">The table.</param>
/// <param name="Sources">For each column of the stream its position in the table; -1 when the log does not tell it, or not as it is read.</param>
/// <param name="Key">Positions in the table of the columns that identify a row at the destination.</param>
/// <param name="Finder">Positions in the table of the columns that a row is found by to read it again; none when it cannot be found.</param>
internal sealed record RelationMap(ChangedRows Rows, PublishedRelation Relation, int[] Sources, int[] Key, int[] Finder)
{
    /// <summary>Whether the stream has the columns of the table as they come.</summary>
    public bool IsInOrder { get; } = Sources.AsSpan().SequenceEqual([.. Enumerable.Range(0, Relation.Columns.Length)]);

    /// <summary>Whether it is a table of the same name that is there no more.</summary>
    public bool IsFormer { get; init; }

    /// <summary>For each column of the table how its values are read from a binary log, and what they are; null where a column is not, and as a whole for a
    /// log that is text.</summary>
    public PostgreSqlType?[]? Binary { get; init; }
}
