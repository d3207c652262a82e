using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv.Scanning;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>
/// Decodes one block at a time: finds the ends of some thousand fields, checks that they form whole records, hands each column to its reader, and goes on.
/// A few thousand fields at a time keep data and positions in the processor's nearer caches.
/// </summary>
internal sealed unsafe class CsvDecodeSession
{
    private const int ScanRoom = 8192;
    private const int MostScanRoom = 1 << 18;

    // fields that one record may have before it counts as garbage: four bytes each
    private const int MostFields = 1 << 26;

    // fields that short records of one block may lack, as few bytes could become any number of nulls
    private const long MostNullsAdded = 1 << 25;

    // fields of short records that are completed with nulls in one go
    private const int PaddedFields = 1 << 18;

    // positions the scanner may overwrite behind its room: those of one chunk of 64 bytes, written several at a time
    private const int ScanSlack = 128;

    private readonly CsvBlockDecoder _decoder;
    private readonly CsvScanDialect _scan;
    private readonly ColumnBuffers[] _columns;
    private readonly CsvBadFields _bad = new();
    private readonly int _fields;
    private int _bytesPerRow;
    private long _nullsAdded;

    public CsvDecodeSession(CsvBlockDecoder decoder)
    {
        _decoder = decoder;
        _scan = new CsvScanDialect(decoder.Dialect);
        _fields = decoder.Dialect.Columns.Length;
        _columns = [.. decoder.Plan.Columns.Select(column => new ColumnBuffers(column.Field.Type, decoder.Pool))];
    }

    /// <inheritdoc cref="ISourceReader.Decode"/>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        _nullsAdded = 0;
        try
        {
            DecodeRecords(block, sink);
        }
        finally
        {
            foreach (var column in _columns)
                column.Dispose();
            _bad.Clear();
        }
    }

    private void DecodeRecords(RawBlock block, IDecodeSink sink)
    {
        var data = block.Buffer.Pointer;
        var length = block.Buffer.Length;
        var allValid = Utf8Validator.FindInvalid(new ReadOnlySpan<byte>(data, length)) < 0;
        var dropHeader = false;
        var state = default(CsvScanState);
        if (block.Context == CsvSplitter.FirstBlock)
        {
            state.Position = EndOfSkippedLines(data, length);
            state.Lines = CountLines(new ReadOnlySpan<byte>(data, state.Position));
            dropHeader = _decoder.Dialect.Header;
        }
        // wide records: enough of them at a time that what each column costs once does not count
        var room = Math.Max(ScanRoom, Math.Max(2 * _fields, Math.Min(64 * _fields, MostScanRoom)));
        var scratch = _decoder.Pool.Rent(4 * (room + ScanSlack + 1));
        PooledBuffer? regrouped = null, trimmed = null;
        try
        {
            // entry 0 stands for the end of the field before the first one
            var ends = (uint*)scratch.Pointer;
            ends[0] = (uint)state.Position - 1;
            int pending = 0, pendingRecords = 0;
            var pendingQuotes = false;
            while (state.Position < length || pending > 0)
            {
                if (room - pending < _fields)
                    GrowScratch(block, ref scratch, ref ends, ref room, pending);
                var recordsBefore = state.Records;
                state.SawQuotes = false;
                var found = CsvScanners.Best.Scan(data, length, _scan, ref state, ends + 1 + pending, room - pending);
                pending += found;
                var records = pendingRecords + state.Records - recordsBefore;
                if (state.Position >= length && state.Mode != CsvScanMode.RecordStart)
                {
                    // the last record of the input has no line end: it gets one, in the padding
                    data[length] = _scan.NewLine;
                    ends[1 + pending++] = (uint)length;
                    records++;
                    state.Mode = CsvScanMode.RecordStart;
                }
                if (pending == 0)
                    break;
                var table = new CsvTable
                {
                    Data = data,
                    Before = ends,
                    Ends = ends + 1,
                    Stride = _fields,
                    Rows = pending / _fields,
                    Quote = _decoder.Dialect.Quote ?? -1,
                    HasQuotes = _scan.HasQuotes && (state.SawQuotes || pendingQuotes),
                    Escape = _scan.Escape,
                    NullMarkers = _decoder.NullMarkers,
                    EmptyIsNull = _decoder.EmptyIsNull,
                    TrimReturn = _scan.NewLine == '\n',
                };
                var taken = table.Rows * _fields;
                pendingRecords = 0;
                if (dropHeader || !allValid || records != table.Rows || !IsRegular(table) || (state.Position >= length && taken != pending))
                    taken = Regroup(block, sink, ref table, pending, ref regrouped, ref dropHeader, allValid, records, out pendingRecords);
                if (_decoder.Dialect.Trim)
                    Trim(ref table, ref trimmed);
                ReadColumns(block, sink, table, length);
                // what is left of a record that is not complete yet moves to the front
                var left = pending - taken;
                if (taken > 0)
                    new Span<uint>(ends + taken, left + 1).CopyTo(new Span<uint>(ends, left + 1));
                else if (state.Position < length)
                    GrowScratch(block, ref scratch, ref ends, ref room, pending);
                pending = left;
                pendingQuotes = left > 0 && table.HasQuotes;
                if (state.Position >= length && left > 0 && taken == 0)
                    break;
            }
        }
        finally
        {
            scratch.Dispose();
            regrouped?.Dispose();
            trimmed?.Dispose();
        }
        sink.Lines(state.Lines);
        if (_columns.Length > 0 && _columns[0].Rows > 0)
        {
            var rows = _columns[0].Rows;
            _bytesPerRow = Math.Max(1, length / rows);
            block.ReleaseGiant();
            sink.Add(new RecordBatch(_decoder.Plan.Schema, [.. _columns.Select(static column => column.Build())], rows));
        }
    }

    private void Trim(ref CsvTable table, ref PooledBuffer? memory)
    {
        var needed = 2 * sizeof(uint) * Math.Max(1, table.Rows * table.Stride);
        if (memory is null || memory.Capacity < needed)
        {
            memory?.Dispose();
            memory = null;
            memory = _decoder.Pool.Rent(needed);
        }
        CsvBlanks.Trim(ref table, _scan, (uint*)memory.Pointer);
    }

    private void GrowScratch(RawBlock block, ref PooledBuffer scratch, ref uint* ends, ref int room, int pending)
    {
        if (room >= MostFields)
            throw new DataFormatException($"the record that starts here has more than {room / 2:N0} fields where {_fields} are expected. Is the delimiter "
                + "right?", Locate(block, ends[0] + 1, null));
        room *= 2;
        var larger = _decoder.Pool.Rent(4 * (room + ScanSlack + 1));
        new Span<uint>(ends, pending + 1).CopyTo(larger.As<uint>());
        scratch.Dispose();
        scratch = larger;
        ends = (uint*)larger.Pointer;
    }

    private int EndOfSkippedLines(byte* data, int length)
    {
        var at = 0;
        for (var i = 0; i < _decoder.Dialect.SkipRows && at < length; i++)
        {
            var end = new ReadOnlySpan<byte>(data + at, length - at).IndexOf(_scan.NewLine);
            at = end < 0 ? length : at + end + 1;
        }
        return at;
    }

    /// <summary>
    /// Whether every record has the right number of fields: as many line ends as records, each where a record must end. In a table of several columns a blank
    /// line cannot pass.
    /// </summary>
    private bool IsRegular(in CsvTable table)
    {
        if (_scan.Comment != 0)
            return false;
        if (_fields == 1)
            return HasNoBlankLine(table);
        var newLine = _scan.NewLine;
        var ends = table.Ends + _fields - 1;
        for (var row = 0; row < table.Rows; row++, ends += _fields)
            if (table.Data[*ends] != newLine)
                return false;
        return true;
    }

    private static bool HasNoBlankLine(in CsvTable table)
    {
        for (var row = 0; row < table.Rows; row++)
            if (table.Field(row, 0).IsEmpty)
                return false;
        return true;
    }

    /// <summary>
    /// Sorts out records that are not ordinary: header, comments, blank lines, too few or too many fields, broken UTF-8. The good ones stay in the table.
    /// </summary>
    /// <returns>Number of ends that were dealt with.</returns>
    private int Regroup(RawBlock block, IDecodeSink sink, ref CsvTable table, int count, ref PooledBuffer? memory, ref bool dropHeader, bool allValid,
        int records, out int recordsLeft)
    {
        var ends = table.Ends;
        // short records that are completed need room that the input does not have: a few at a time
        var maxRows = _decoder.Dialect.NullPadding ? Math.Min(records, Math.Max(1, PaddedFields / _fields)) : Math.Min(records, count / _fields);
        var needed = 2 * 4 * Math.Max(1, maxRows * _fields);
        if (memory is null || memory.Capacity < needed)
        {
            memory?.Dispose();
            memory = _decoder.Pool.Rent(needed);
        }
        var newBefore = (uint*)memory.Pointer;
        var newEnds = newBefore + maxRows * _fields;
        var rows = 0;
        var first = 0;
        for (var i = 0; i < count && records > 0; i++)
        {
            if (table.Data[ends[i]] != _scan.NewLine)
                continue;
            var found = i - first + 1;
            var start = (first == 0 ? table.Before[0] : ends[first - 1]) + 1;
            var record = new ReadOnlySpan<byte>(table.Data + start, (int)(ends[i] - start));
            var content = table.TrimReturn && record.EndsWith("\r"u8) ? record[..^1] : record;
            if (content.IsEmpty || (_scan.Comment != 0 && content[0] == _scan.Comment))
            {
                // not a record
            }
            else if (dropHeader)
            {
                CheckHeader(block, start, content);
                dropHeader = false;
            }
            else if (!allValid && !Utf8.IsValid(content))
                Reject(block, sink, start, content, null, InvalidUtf8(content));
            else if (found == _fields || (found < _fields && _decoder.Dialect.NullPadding))
            {
                if (rows == maxRows)
                    break;
                for (var f = 0; f < _fields; f++)
                {
                    newBefore[rows * _fields + f] = f >= found ? ends[i] : f == 0 ? start - 1 : ends[first + f - 1];
                    newEnds[rows * _fields + f] = f >= found ? ends[i] : ends[first + f];
                }
                if (found < _fields)
                {
                    CountNullsAdded(block, start, _fields - found);
                    // readers take the carriage return off the last field only
                    newEnds[rows * _fields + found - 1] -= (uint)(record.Length - content.Length);
                }
                rows++;
            }
            else
                Reject(block, sink, start, content, null, WrongCount(found));
            first = i + 1;
            records--;
        }
        recordsLeft = records;
        table.Before = newBefore;
        table.Ends = newEnds;
        table.Rows = rows;
        return first;
    }

    private void CountNullsAdded(RawBlock block, uint start, int count)
    {
        _nullsAdded += count;
        if (_nullsAdded > MostNullsAdded)
            throw new DataFormatException(
                $"too many records are too short: completing them to {_fields} fields adds more than {MostNullsAdded:N0} nulls to {block.Buffer.Length:N0} "
                    + "bytes. Is the header that of these records? Else set 'null_padding: false'.",
                Locate(block, start, null));
    }

    /// <summary>
    /// A later file of a stream must have the columns of the first, in the same order: its fields would end up under the wrong names otherwise.
    /// </summary>
    private void CheckHeader(RawBlock block, uint start, ReadOnlySpan<byte> content)
    {
        var records = new CsvRecords(content, _decoder.Dialect);
        records.MoveNext();
        var names = CsvHeader.MakeUnique(CsvHeader.Read(ref records));
        var expected = _decoder.Dialect.Columns;
        if (names.AsSpan().SequenceEqual(expected.AsSpan()))
            return;
        var at = 0;
        while (at < names.Length && at < expected.Length && names[at] == expected[at])
            at++;
        var difference = string.Create(CultureInfo.InvariantCulture,
            $"column {at + 1} is {(at < names.Length ? $"\"{names[at]}\"" : "missing")} where "
            + $"{(at < expected.Length ? $"\"{expected[at]}\"" : "no more")} is expected");
        throw new DataFormatException(
            $"the header is not that of the stream's first file: {difference}. Read files with other columns as streams of their own.",
                Locate(block, start, null));
    }

    private void ReadColumns(RawBlock block, IDecodeSink sink, CsvTable table, int length)
    {
        if (table.Rows == 0)
            return;
        var last = (table.Rows - 1) * table.Stride + table.Stride - 1;
        table.Bytes = (int)(table.Ends[last] - table.Before[0]);
        var rowsBefore = _columns.Length > 0 ? _columns[0].Rows : 0;
        // the first rows of the first block stand for the rest of it
        var bytesPerRow = _bytesPerRow > 0 ? _bytesPerRow : Math.Max(1, table.Bytes / table.Rows);
        var expectedRows = (int)(length * 21L / 20 / bytesPerRow) + 16;
        ReadAll(table, expectedRows, length);
        if (_bad.Any)
            LeaveOutBadRecords(block, sink, table, rowsBefore, expectedRows, length);
    }

    /// <summary>Takes the rows of a table back and reads it again without the bad ones. Rare.</summary>
    private void LeaveOutBadRecords(RawBlock block, IDecodeSink sink, CsvTable table, int rowsBefore, int expectedRows, int length)
    {
        foreach (var (row, (field, reason)) in _bad.ByRow)
            Report(block, sink, table, row, field, reason);
        foreach (var column in _columns)
            column.Truncate(rowsBefore);
        var kept = 0;
        for (var row = 0; row < table.Rows; row++)
            if (!_bad.ByRow.ContainsKey(row))
                kept++;
        using var memory = _decoder.Pool.Rent(checked(2 * 4 * Math.Max(1, kept * _fields)));
        var good = table with { Before = (uint*)memory.Pointer, Ends = (uint*)memory.Pointer + kept * _fields, Rows = 0 };
        for (var row = 0; row < table.Rows; row++)
        {
            if (_bad.ByRow.ContainsKey(row))
                continue;
            new Span<uint>(table.Before + row * _fields, _fields).CopyTo(new Span<uint>(good.Before + good.Rows * _fields, _fields));
            new Span<uint>(table.Ends + row * _fields, _fields).CopyTo(new Span<uint>(good.Ends + good.Rows * _fields, _fields));
            good.Rows++;
        }
        _bad.Clear();
        ReadAll(good, expectedRows, length);
    }

    /// <summary>A method of its own: the framework's count keeps whoever inlines it from being compiled ahead of time.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int CountLines(ReadOnlySpan<byte> bytes) => bytes.Count(_scan.NewLine);

    private void ReadAll(in CsvTable table, int expectedRows, int length)
    {
        for (var i = 0; i < _columns.Length; i++)
        {
            // what all columns take is more than enough for one, but not when there are thousands of them
            var bytes = !_columns[i].Type.IsVariableBinary ? 0 : _columns[i].HasRoom(table.Bytes) ? table.Bytes : table.BytesOf(_decoder.Fields[i]);
            // its share of these records is its share of the block: so all columns together expect no more than there is, however long records become
            var expectedBytes = Math.Min(bytes * 11L / 10 * length / Math.Max(table.Bytes, 1), length);
            _columns[i].Reserve(table.Rows, bytes, expectedRows, (int)expectedBytes);
            _decoder.Readers[i].Read(table, _decoder.Fields[i], i, _columns[i], _bad);
        }
    }

    /// <summary>A field does not fit: the end of the run's schema when the type was inferred, else a bad row.</summary>
    private void Report(RawBlock block, IDecodeSink sink, in CsvTable table, int row, int column, string? reason)
    {
        var planned = _decoder.Plan.Columns[column];
        var start = table.RecordStart(row);
        // of a bad row also the blanks are told
        while (_decoder.Dialect.Trim && start > 0 && table.Data[start - 1] is (byte)' ' or (byte)'\t')
            start--;
        var field = table.Field(row, _decoder.Fields[column]);
        if (reason is null && !planned.TypeIsFixed)
            throw new SchemaContradictionException(
                $"the value {DataFormatException.Show(field)} is not {Article(planned.Field.Type.ToString())}, which is the type inferred from the first "
                    + "records of the file. "
                + $"Set the column's type (columns: {{ {planned.SourceName}: string }}), or let every value be looked at (infer: all).",
                Locate(block, start, planned.SourceName));
        var recordEnd = table.Ends[row * table.Stride + table.Stride - 1];
        while (_decoder.Dialect.Trim && table.Data[recordEnd] is (byte)' ' or (byte)'\t')
            recordEnd++;
        var record = new ReadOnlySpan<byte>(table.Data + start, (int)(recordEnd - start));
        Reject(block, sink, start, table.TrimReturn && record.EndsWith("\r"u8) ? record[..^1] : record, planned.SourceName,
            reason is null ? $"the value {DataFormatException.Show(field)} is not {Article(planned.Field.Type.ToString())}"
                    + (_decoder.Readers[column].WouldRound(table, row, _decoder.Fields[column])
                        ? " without loss. Set 'schema.lossy: allow' to have such values rounded" : "")
                : $"in {DataFormatException.Show(field)} {reason}");
    }

    private void Reject(RawBlock block, IDecodeSink sink, uint start, ReadOnlySpan<byte> record, string? column, string reason) =>
        sink.Reject(new RejectedRow(Locate(block, start, column), reason, record.ToArray()));

    private string WrongCount(int found)
    {
        var dialect = _decoder.Dialect;
        var delimiter = dialect.Delimiter == '\t' ? "tab" : $"'{(char)dialect.Delimiter}'";
        var advice = found < _fields ? "Set 'null_padding: true' to complete short records with nulls"
            // a file of one column whose records have more is not of that form at all
            : _fields == 1 ? $"Is {delimiter} the delimiter? If the file starts with lines that are no records set 'skip_rows'"
            : dialect.Quote is { } quote ? $"Most likely a text in it has a {delimiter} and is not quoted: put it in {(char)quote}"
            : $"Most likely a text in it has a {delimiter}, which 'quote: none' gives no way to write";
        return string.Create(CultureInfo.InvariantCulture,
            $"the record has {found} {(found == 1 ? "field" : "fields")} where {_fields} {(_fields == 1 ? "is" : "are")} expected ({Names(dialect)}). {advice}");
    }

    private static string Names(CsvDialect dialect)
    {
        const int Most = 8;
        const int Longest = 32;
        return string.Join(", ", dialect.Columns.Take(Most).Select(static name => name.Length <= Longest ? name : name[..Longest] + "…"))
            + (dialect.Columns.Length > Most ? ", …" : "");
    }

    private static string InvalidUtf8(ReadOnlySpan<byte> record)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(record[at..], out _, out var used) == OperationStatus.Done)
            at += used;
        return string.Create(CultureInfo.InvariantCulture,
            $"the record is not valid UTF-8: byte 0x{record[at]:X2} at position {at + 1}. Set the file's encoding (encoding: windows-1252 or latin-1)");
    }

    private SourceLocation Locate(RawBlock block, uint offset, string? column)
    {
        var before = block.Buffer.Content[..(int)offset];
        return new SourceLocation(block.Position.Name, 1 + CountLines(before), column, block.Position.ByteOffset + offset);
    }

    private static string Article(string type) => ("aeiou".Contains(type[0], StringComparison.Ordinal) && !type.StartsWith("uint", StringComparison.Ordinal)
        && !type.StartsWith("uu", StringComparison.Ordinal) ? "an " : "a ") + type;
}
