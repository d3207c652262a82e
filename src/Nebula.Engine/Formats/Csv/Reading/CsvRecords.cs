using Nebula.Engine.Formats.Csv.Scanning;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Walks over the records of a piece of CSV one by one: for samples.</summary>
internal unsafe ref struct CsvRecords
{
    private const int Room = 512;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly CsvScanDialect _scan;
    private readonly bool _trims;
    private readonly List<(int Start, int Length)> _fields = [];
    // ends of fields that the scanner found ahead; it may overwrite 128 more than it is given room for
    private readonly uint[] _ends = new uint[Room + 128];
    private CsvScanState _scanned;
    private int _count;
    private int _next;
    private int _start;
    private int _position;

    /// <param name="bytes">The piece; <see cref="Columns.BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="position">Where the first record starts.</param>
    public CsvRecords(ReadOnlySpan<byte> bytes, CsvDialect dialect, int position = 0)
    {
        _bytes = bytes;
        _scan = new CsvScanDialect(dialect);
        _trims = dialect.Trim;
        _scanned = new CsvScanState { Position = position };
        _position = position;
    }

    /// <summary>Fields of the current record: where they start and how long they are, quotes included, blanks around them not where they are trimmed.</summary>
    public readonly List<(int Start, int Length)> Fields => _fields;

    /// <summary>Whether a line end follows the current record.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The bytes of the current record, its line end included.</summary>
    public readonly ReadOnlySpan<byte> Current => _bytes[_start.._position];

    /// <summary>Goes to the next record: neither comment nor blank line.</summary>
    /// <returns>False at the end.</returns>
    public bool MoveNext()
    {
        while (_position < _bytes.Length)
        {
            _fields.Clear();
            var start = _start = _position;
            IsComplete = false;
            var isEnded = true;
            while (isEnded && !IsComplete)
            {
                isEnded = TryFindEnd(out var end);
                IsComplete = isEnded && _bytes[end] == _scan.NewLine;
                var length = end - start;
                if (IsComplete && _scan.NewLine == '\n' && length > 0 && _bytes[end - 1] == '\r')
                    length--;
                _fields.Add(_trims ? CsvBlanks.Trim(_bytes.Slice(start, length), start, _scan) : (start, length));
                start = _position = isEnded ? end + 1 : end;
            }
            var isComment = _scan.Comment != 0 && _bytes[_start] == _scan.Comment;
            if (!isComment && (_fields.Count > 1 || _fields[0].Length > 0))
                return true;
        }
        return false;
    }

    /// <summary>The next delimiter or line end that is not quoted; where there is none, the end of the bytes.</summary>
    private bool TryFindEnd(out int end)
    {
        if (_next == _count)
        {
            _next = 0;
            fixed (byte* p = _bytes)
            fixed (uint* ends = _ends)
                _count = CsvScanners.Best.Scan(p, _bytes.Length, _scan, ref _scanned, ends, Room);
        }
        end = _next < _count ? (int)_ends[_next++] : _bytes.Length;
        return end < _bytes.Length;
    }

    /// <summary>The bytes of a field, quotes included.</summary>
    public readonly ReadOnlySpan<byte> Raw(int field) => _bytes.Slice(_fields[field].Start, _fields[field].Length);

    /// <summary>The text of a field without its quotes; null when it is quoted wrongly.</summary>
    public readonly byte[]? Unquoted(int field)
    {
        var raw = Raw(field);
        if (!IsQuoted(field))
            return raw.ToArray();
        var target = new byte[raw.Length + Columns.BufferPool.Padding];
        fixed (byte* p = raw)
        fixed (byte* t = target)
        {
            var count = CsvQuotes.Unquote(p, raw.Length, _scan.Quote, _scan.Escape, t);
            return count < 0 ? null : target[..count];
        }
    }

    /// <summary>Whether a field is quoted.</summary>
    public readonly bool IsQuoted(int field) => _scan.HasQuotes && _fields[field].Length > 0 && _bytes[_fields[field].Start] == _scan.Quote;
}
