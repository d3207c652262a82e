using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv.Scanning;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Cuts CSV behind the last record end outside of quotes. Bytes that were looked at without finding one are not looked at again.</summary>
/// <param name="dialect">How it is written.</param>
/// <param name="name">The file, for messages.</param>
/// <param name="inside">Whether it starts in the middle of a file, with a record.</param>
internal sealed unsafe class CsvSplitter(CsvDialect dialect, string name, bool inside = false) : IRecordSplitter
{
    /// <summary>Context of the first block of a file, which starts with skipped lines and the header.</summary>
    public const int FirstBlock = 1;

    private readonly CsvScanDialect _scan = new(dialect);
    private CsvScanState _state;
    private bool _started = inside;
    private bool _isBehindPreamble;
    private int _preamble;

    public int FindBoundary(ReadOnlySpan<byte> bytes, bool endOfInput, out int context)
    {
        context = _started ? 0 : FirstBlock;
        if (!_started && !SkipPreamble(bytes, endOfInput))
            return 0;
        var last = -1;
        fixed (byte* p = bytes)
        {
            if (!_scan.HasQuotes)
                last = bytes.LastIndexOf(_scan.NewLine);
            else
                CsvScanners.Best.FindLastLineEnd(p, bytes.Length, _scan, ref _state, ref last);
        }
        if (endOfInput)
        {
            if (_state.Mode is CsvScanMode.Quoted or CsvScanMode.EscapeInQuoted)
                throw QuoteNeverClosed(bytes, Math.Max(last, _preamble - 1));
            last = bytes.Length - 1;
        }
        if (last < _preamble)
            return 0;
        _started = true;
        _preamble = 0;
        // what lies behind the cut is looked at again, as the start of the next block
        _state = default;
        return last + 1;
    }

    /// <summary>
    /// Goes over what stands in front of the first record: skipped lines, which may hold anything, single quotes included, and in a file with header blank
    /// lines
    /// and comments, since the first block must have the header.
    /// </summary>
    /// <returns>Whether the first record starts in the bytes, or nothing follows them.</returns>
    private bool SkipPreamble(ReadOnlySpan<byte> bytes, bool endOfInput)
    {
        if (_isBehindPreamble)
            return true;
        var at = 0;
        for (var skipped = 0; skipped < dialect.SkipRows || IsNoRecord(bytes[at..]); skipped++)
        {
            var end = bytes[at..].IndexOf(_scan.NewLine);
            if (end < 0)
            {
                if (endOfInput)
                    _state = new CsvScanState { Position = bytes.Length };
                return endOfInput;
            }
            at += end + 1;
        }
        // a blank line may be on its way
        if (!endOfInput && (at == bytes.Length || bytes[at..].SequenceEqual("\r"u8)))
            return false;
        _isBehindPreamble = true;
        _preamble = at;
        _state = new CsvScanState { Position = at };
        return true;
    }

    private bool IsNoRecord(ReadOnlySpan<byte> line) => dialect.Header && !line.IsEmpty
        && (line[0] == _scan.NewLine || (_scan.Comment != 0 && line[0] == _scan.Comment) || (_scan.NewLine == '\n' && line.StartsWith("\r\n"u8)));

    /// <summary>A quote that never closes makes one record of the rest of the input. Says where it opens.</summary>
    private DataFormatException QuoteNeverClosed(ReadOnlySpan<byte> bytes, int lastRecordEnd)
    {
        var record = bytes[(lastRecordEnd + 1)..];
        var line = 1 + bytes[..(lastRecordEnd + 1)].Count(_scan.NewLine);
        var opened = OpeningQuote(record, out var field);
        line += record[..opened].Count(_scan.NewLine);
        return new DataFormatException(
            $"the quote that opens here ({DataFormatException.Show(record[opened..], 40)}) is never closed. Close it, or set 'quote: none' if quotes are "
                + "ordinary characters in this file.",
            new SourceLocation(name, line, field));
    }

    private int OpeningQuote(ReadOnlySpan<byte> record, out string field)
    {
        var number = 1;
        var start = 0;
        var ends = new uint[129];
        fixed (byte* p = record)
        fixed (uint* e = ends)
        {
            var state = default(CsvScanState);
            while (CsvScanners.Best.Scan(p, record.Length, _scan, ref state, e, 1) is var count and > 0)
            {
                number += count;
                start = (int)ends[count - 1] + 1;
            }
        }
        field = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Math.Min(start, Math.Max(record.Length - 1, 0));
    }
}
