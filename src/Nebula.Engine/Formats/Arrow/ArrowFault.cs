namespace Nebula.Engine.Formats.Arrow;

/// <summary>What is wrong with a file. Whoever finds it knows neither file nor message: the doors (<c>ArrowFile</c>, <c>ArrowReader</c>)
/// make it a <see cref="Diagnostics.DataFormatException"/> that does, nobody else sees it.</summary>
/// <param name="reason">What is wrong, without a full stop.</param>
/// <param name="offset">Where, in bytes from the start of the metadata or body that is being read; -1 when unknown.</param>
/// <param name="column">Path of the column, if it lies in one.</param>
/// <param name="value">Which of the column's values in the batch, from 0 (in a column that is not nested: the row); -1 when unknown.</param>
/// <param name="advice">What to do; null for damaged data, where it is always the same.</param>
internal sealed class ArrowFault(string reason, long offset = -1, string? column = null, long value = -1, string? advice = null) : Exception(reason)
{
    /// <summary>What to do about damaged data.</summary>
    public const string Damaged = "The file was cut or changed after it was written: fetch or create it again.";

    /// <summary>Where, in bytes from the start of the metadata or body; -1 when unknown.</summary>
    public long Offset { get; } = offset;

    /// <summary>Path of the column; null when it lies in none.</summary>
    public string? Column { get; } = column;

    /// <summary>Which of the column's values in the batch; -1 when unknown.</summary>
    public long Value { get; } = value;

    /// <summary>What to do.</summary>
    public string Advice { get; } = advice ?? Damaged;

    /// <summary>Makes the error for users.</summary>
    /// <param name="name">The file.</param>
    /// <param name="position">Where in the file the metadata or body begins, which <see cref="Offset"/> counts from.</param>
    /// <param name="part">What is being read: <c>the schema</c>, <c>record batch 3</c>.</param>
    public Diagnostics.DataFormatException ToDataFormatException(string name, long position, string part)
    {
        var value = Value >= 0 ? $", value {Value}" : "";
        return new($"{part}{value}: {Message}. {Advice}", new Diagnostics.SourceLocation(name, Column: Column, ByteOffset: position + Math.Max(Offset, 0)),
            this);
    }
}
