namespace Nebula.Engine.Pipeline;

/// <summary>What was recorded of a part, held against what lies at the destination.</summary>
/// <param name="Chunk">The chunk.</param>
/// <param name="RowsExpected">Rows that were committed.</param>
public sealed record PartComparison(int Chunk, long RowsExpected)
{
    /// <summary>Rows that are there; null when that cannot be told, because reading ended before.</summary>
    public long? RowsFound { get; init; }

    /// <summary>Where they are.</summary>
    public string Location { get; init; } = "";

    /// <summary>Whether values were compared, beside the number of rows.</summary>
    public bool HasValues { get; init; }

    /// <summary>Columns that have other values; empty when the number of rows differs already.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Whether each column has its values, but in other rows.</summary>
    public bool AreRowsMixed { get; init; }

    /// <summary>Why rows cannot be read; null when all can.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether everything is as it was committed.</summary>
    public bool Matches => RowsFound == RowsExpected && Columns.Count == 0 && !AreRowsMixed && Problem is null;
}
