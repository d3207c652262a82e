namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Where the values of some rows of a binary log lie in its messages, column by column: a column's values are read one after the other, which costs half
/// of what it does to read them row by row. Good as long as the messages are.</summary>
/// <param name="columns">Number of columns.</param>
internal sealed unsafe class PendingRows(int columns)
{
    /// <summary>Most rows: their messages are in the processor's cache when the last of them has come.</summary>
    public const int Capacity = 256;

    private readonly nint[] _at = new nint[columns * Capacity];
    private readonly int[] _lengths = new int[columns * Capacity];

    /// <summary>Number of rows.</summary>
    public int Length { get; private set; }

    /// <summary>Whether there is no room for one more.</summary>
    public bool IsFull => Length == Capacity;

    /// <summary>Sets a value of the row that is added next.</summary>
    /// <param name="column">Its column.</param>
    /// <param name="value">Where it is.</param>
    /// <param name="length">Its length; below 0 for a null.</param>
    public void Set(int column, byte* value, int length)
    {
        var index = column * Capacity + Length;
        _at[index] = (nint)value;
        _lengths[index] = length;
    }

    /// <summary>Sets all values of the row that is added next.</summary>
    /// <param name="message">What places count from.</param>
    /// <param name="places">Offset and length of the value of each column.</param>
    /// <returns>False when one is neither there nor null; what was set is to be set again then.</returns>
    public bool TrySet(byte* message, ReadOnlySpan<int> places)
    {
        var index = Length;
        for (var i = 0; i + 1 < places.Length; i += 2, index += Capacity)
        {
            if (places[i + 1] < PgOutputReader.Null)
                return false;
            _at[index] = (nint)(message + places[i]);
            _lengths[index] = places[i + 1];
        }
        return true;
    }

    /// <summary>Adds the row, each value of which was set.</summary>
    public void Add() => Length++;

    /// <summary>Where the values of a column are.</summary>
    /// <param name="column">The column.</param>
    public ReadOnlySpan<nint> At(int column) => _at.AsSpan(column * Capacity, Length);

    /// <summary>The lengths of the values of a column; below 0 for nulls.</summary>
    /// <param name="column">The column.</param>
    public ReadOnlySpan<int> Lengths(int column) => _lengths.AsSpan(column * Capacity, Length);

    /// <summary>Forgets the rows.</summary>
    public void Clear() => Length = 0;
}
