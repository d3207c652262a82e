using Nebula.Engine.Formats.Csv.Scanning;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Walks over the records of a piece of CSV one by one: for samples, where speed does not matter.</summary>
internal unsafe ref struct CsvRecords
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly CsvScanDialect _scan;
    private readonly List<(int Start, int Length)> _fields = [];
    private CsvScanState _state;
    private int _start;

    /// <param name="bytes">The piece; <see cref="Columns.BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="position">Where the first record starts.</param>
    public CsvRecords(ReadOnlySpan<byte> bytes, CsvDialect dialect, int position = 0)
    {
        _bytes = bytes;
        _scan = new CsvScanDialect(dialect);
        _state = new CsvScanState { Position = position };
    }

    /// <summary>Fields of the current record: where they start and how long they are, quotes included.</summary>
    public readonly IReadOnlyList<(int Start, int Length)> Fields => _fields;

    /// <summary>Whether a line end follows the current record.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The bytes of the current record, its line end included.</summary>
    public readonly ReadOnlySpan<byte> Current => _bytes[_start.._state.Position];

    /// <summary>Goes to the next record: neither comment nor blank line.</summary>
    /// <returns>False at the end.</returns>
    public bool MoveNext()
    {
        Span<uint> end = stackalloc uint[129];
        while (_state.Position < _bytes.Length)
        {
            _fields.Clear();
            var start = _start = _state.Position;
            var isComment = _scan.Comment != 0 && _bytes[start] == _scan.Comment;
            IsComplete = false;
            fixed (byte* p = _bytes)
            fixed (uint* e = end)
                while (!IsComplete)
                {
                    // one end at a time: a vector scanner would run ahead into the next record
                    var count = Scalar.Scan(p, _bytes.Length, _scan, ref _state, e, 1);
                    var stop = count == 0 ? _bytes.Length : (int)e[0];
                    var length = stop - start;
                    IsComplete = count > 0 && _state.Mode == CsvScanMode.RecordStart;
                    if (IsComplete && _scan.NewLine == '\n' && length > 0 && p[stop - 1] == '\r')
                        length--;
                    _fields.Add((start, length));
                    start = stop + 1;
                    if (count == 0)
                        break;
                }
            if (!isComment && (_fields.Count > 1 || _fields[0].Length > 0))
                return true;
        }
        return false;
    }

    private static readonly ScalarCsvScanner Scalar = new();

    /// <summary>The text of a field without its quotes; null when it is quoted wrongly.</summary>
    public readonly byte[]? Unquoted(int field)
    {
        var (start, length) = _fields[field];
        var raw = _bytes.Slice(start, length);
        if (!_scan.HasQuotes || raw.IsEmpty || raw[0] != _scan.Quote)
            return raw.ToArray();
        var target = new byte[length + Columns.BufferPool.Padding];
        fixed (byte* p = raw)
        fixed (byte* t = target)
        {
            var count = CsvQuotes.Unquote(p, length, _scan.Quote, _scan.Escape, t);
            return count < 0 ? null : target[..count];
        }
    }

    /// <summary>Whether a field is quoted.</summary>
    public readonly bool IsQuoted(int field) => _scan.HasQuotes && _fields[field].Length > 0 && _bytes[_fields[field].Start] == _scan.Quote;
}
