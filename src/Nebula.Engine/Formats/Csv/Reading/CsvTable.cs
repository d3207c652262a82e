namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>
/// Where the fields of a run of records lie: field f of record r starts behind <c>Before[r * Stride + f]</c> and ends in front of <c>Ends[r * Stride + f]</c>.
/// When nothing is out of the ordinary Before is Ends one position earlier and costs nothing. A missing field ends where it starts, or one before.
/// </summary>
internal unsafe struct CsvTable
{
    /// <summary>The block's bytes; <see cref="Columns.BufferPool.Padding"/> more are readable behind them.</summary>
    public byte* Data;
    public uint* Before;
    public uint* Ends;

    /// <summary>Fields of a record.</summary>
    public int Stride;

    /// <summary>Number of records.</summary>
    public int Rows;

    /// <summary>Bytes from the first to the last record: no column can need more.</summary>
    public int Bytes;

    /// <summary>What quotes a field; -1 when nothing does.</summary>
    public int Quote;

    /// <summary>Whether there is any quote in the fields; without one none of them needs a look.</summary>
    public bool HasQuotes;

    /// <summary>What makes a quote ordinary inside quotes.</summary>
    public byte Escape;

    /// <summary>Texts that stand for null besides, or instead of, the empty one.</summary>
    public byte[][] NullMarkers;

    /// <summary>Whether an empty unquoted field is null.</summary>
    public bool EmptyIsNull;

    /// <summary>Whether a carriage return in front of the line end is dropped.</summary>
    public bool TrimReturn;

    /// <summary>Bytes of one field in all records, quotes included: what a column of it needs at most.</summary>
    public readonly int BytesOf(int field)
    {
        var bytes = 0L;
        for (long i = field, end = (long)Rows * Stride; i < end; i += Stride)
            bytes += Math.Max(0, (int)(Ends[i] - Before[i] - 1));
        return (int)bytes;
    }

    /// <summary>The bytes of one field, quotes included.</summary>
    public readonly ReadOnlySpan<byte> Field(int row, int column)
    {
        var from = Before[row * Stride + column] + 1;
        var length = (int)(Ends[row * Stride + column] - from);
        if (length > 0 && TrimReturn && column == Stride - 1 && Data[from + length - 1] == '\r')
            length--;
        return new ReadOnlySpan<byte>(Data + from, Math.Max(length, 0));
    }

    /// <summary>Where a record starts in the data.</summary>
    public readonly uint RecordStart(int row) => Before[row * Stride] + 1;
}

/// <summary>The fields of a table that could not be read, one of each record.</summary>
internal sealed class CsvBadFields
{
    // made when it is needed: most files have none
    private SortedDictionary<int, (int Column, string? Reason)>? _byRow;

    /// <summary>Records with a bad field, in order; the position of the planned column, and a reason when it is not the type.</summary>
    public IReadOnlyDictionary<int, (int Column, string? Reason)> ByRow => _byRow ??= [];

    /// <summary>Whether there are any.</summary>
    public bool Any => _byRow is not null;

    /// <summary>Notes a bad field. Wrong quotes come before wrong types: such a record is bad whatever the types are.</summary>
    public void Add(int row, int column, string? reason)
    {
        _byRow ??= [];
        if (!_byRow.TryGetValue(row, out var known) || (known.Reason is null && reason is not null))
            _byRow[row] = (column, reason);
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => _byRow = null;
}
