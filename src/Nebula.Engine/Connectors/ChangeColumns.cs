using Nebula.Engine.Schemas;

namespace Nebula.Engine.Connectors;

/// <summary>The columns that tell what happened to a row, behind the columns of its stream.</summary>
public static class ChangeColumns
{
    /// <summary>What happened: one of the operations of this class.</summary>
    public const string Operation = "_nebula_op";

    /// <summary>Where in the log; sorts as text in the order of the changes, and a row of the snapshot before the changes behind it.</summary>
    public const string Position = "_nebula_position";

    /// <summary>When the change was committed at the source, UTC; null in rows of the snapshot.</summary>
    public const string CommittedAt = "_nebula_committed_at";

    /// <summary>
    /// Which columns the change left as they were without saying what they are: bit <c>i % 8</c> of byte <c>i / 8</c> for column <c>i</c>; null when every
    /// value is there. Only on the way to a destination that merges, and never for columns of the key.
    /// </summary>
    public const string Unchanged = "_nebula_unchanged";

    /// <summary>Position of <see cref="CommittedAt"/> in <see cref="Written"/>.</summary>
    internal const int CommittedAtIndex = 2;

    /// <summary>The position of a row of the snapshot.</summary>
    public const string SnapshotPosition = "0";

    /// <summary>A row of the snapshot.</summary>
    public const string Read = "r";

    /// <summary>A row that came.</summary>
    public const string Insert = "i";

    /// <summary>A row that has new values. Its key is the same: a change of the key is a delete and an insert.</summary>
    public const string Update = "u";

    /// <summary>A row that went; columns that the log does not tell are null.</summary>
    public const string Delete = "d";

    /// <summary>Every row went; all columns of the stream are null.</summary>
    public const string Truncate = "t";

    /// <summary>The columns that are written: operation, position, time of the commit.</summary>
    public static IReadOnlyList<Field> Written { get; } =
    [
        new(Operation, DataType.String), new(Position, DataType.String), new(CommittedAt, DataType.Timestamp(TimeUnit.Microsecond, "UTC")),
    ];

    /// <summary>The columns that changes have behind those of a stream.</summary>
    /// <param name="plan">The stream.</param>
    public static IReadOnlyList<Field> Of(StreamPlan plan) => plan.Write == WriteMode.Merge ? [.. Written, new(Unchanged, DataType.Binary)] : Written;
}
