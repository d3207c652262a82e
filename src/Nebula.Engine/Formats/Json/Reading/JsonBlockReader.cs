using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Reads one block at a time, whatever kernel it was compiled for.</summary>
internal interface IJsonBlockReader
{
    /// <summary>Reads a block; see <see cref="ISourceReader.Decode"/>.</summary>
    void Read(RawBlock block, IDecodeSink sink);
}

/// <summary>Reads the records of a block into columns, cuts off what was read of bad ones, and hands batches on.</summary>
/// <typeparam name="TKernel">How strings are scanned.</typeparam>
internal sealed unsafe class JsonBlockReader<TKernel> : JsonRecordLoop<TKernel>, IJsonBlockReader where TKernel : struct, IStringKernel
{
    private const int BatchBytes = 32 << 20;
    private const int FewestRows = 1024;
    private readonly StreamPlan _plan;
    private readonly SimdLevel _level;
    private readonly ReadBudget _budget;
    private readonly ScratchBuffer _scratch;
    private readonly JsonColumn[] _columns;
    private readonly ObjectKeys _keys;
    private readonly JsonColumn? _value;
    private readonly JsonRecordReader<TKernel> _reader;
    private readonly int _rowsPerBatch;
    private SourcePosition _position;
    private IDecodeSink? _sink;
    private byte* _invalid;
    private byte* _counted;
    private byte* _lineStart;
    private long _line;
    private int _rows;
    private int _length;

    /// <summary>Makes a reader.</summary>
    /// <exception cref="NebulaException">A column is selected twice.</exception>
    public JsonBlockReader(StreamPlan plan, JsonDialect dialect, BufferPool pool, SimdLevel level)
        : base(dialect, level)
    {
        _plan = plan;
        _level = level;
        _budget = new ReadBudget(pool);
        _scratch = new ScratchBuffer(pool);
        _columns = [.. plan.Columns.Select(column => new JsonColumn(
            column.Field.Type, column.SourceName, column.TypeIsFixed || dialect.IsText, column.TypeIsFixed,
            plan.Lossy != LossyPolicy.Refuse, _budget))];
        var names = plan.Stream.Schema.Fields.Select(static field => field.Name).Union(plan.Columns.Select(static column => column.SourceName)).ToArray();
        var bySource = new Dictionary<string, JsonColumn>(StringComparer.Ordinal);
        for (var i = 0; i < _columns.Length; i++)
            if (!bySource.TryAdd(plan.Columns[i].SourceName, _columns[i]))
                throw NebulaException.Configuration($"The column '{plan.Columns[i].SourceName}' is selected twice. Select it once.");
        _keys = new ObjectKeys(names, [.. names.Select(name => bySource.GetValueOrDefault(name))], owner: null);
        _value = bySource.GetValueOrDefault(JsonDialect.ValueColumn);
        _reader = new JsonRecordReader<TKernel>(Newline, Fault, _scratch);
        _rowsPerBatch = Math.Max(BatchBytes / Math.Max(_columns.Sum(static column => column.NullWidth), 1), FewestRows);
    }

    /// <inheritdoc/>
    public void Read(RawBlock block, IDecodeSink sink)
    {
        var start = block.Buffer.Pointer;
        var length = block.Buffer.Length;
        start[length] = 0; // ends every token; what lies behind the content is the borrower's to write
        (_position, _sink) = (block.Position, sink);
        CountFrom(start);
        FindInvalid(start, start + length);
        _length = length;
        try
        {
            Begin();
            Run(start, length, (JsonBlockContext)block.Context, block.Position.Name);
            sink.Lines(block.Buffer.Content.Count((byte)'\n'));
            block.ReleaseGiant();
            if (_rows > 0)
                Flush();
        }
        finally
        {
            _sink = null;
            _scratch.Release();
            foreach (var column in _columns)
                column.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override byte* Read(byte* record)
    {
        if (Dialect.IsValues)
            return _value is null ? JsonLexer<TKernel>.SkipValue(record, Newline, 0, Fault, out _) : _reader.ReadRecord(record, _value);
        if (*record == '{')
            return _reader.ReadRecord(record, _keys, _rows);
        return JsonLexer<TKernel>.SkipValue(record, Newline, 0, Fault, out _) == null ? null : Fault.Set(record, JsonProblem.ExpectedObject);
    }

    /// <inheritdoc/>
    protected override bool Accept(byte* record, byte* behind)
    {
        if (_invalid < behind)
        {
            Fault.Set(_invalid, JsonProblem.NotUtf8);
            return false;
        }
        if (++_rows == _rowsPerBatch)
        {
            Flush();
            Begin();
        }
        return true;
    }

    /// <inheritdoc/>
    protected override void Refuse(byte* record, byte* end)
    {
        foreach (var column in _columns)
            column.Truncate(_rows);
        if (Fault.IsOfColumns && Fault.Column is not { IsFixed: true })
            ThrowIfContradiction(record, end);
        var raw = new ReadOnlySpan<byte>(record, (int)(end - record)).TrimEnd(" \t\r\n"u8);
        _sink!.Reject(new RejectedRow(Locate(), Fault.Describe(End), raw.ToArray()));
        if (_invalid < end)
            FindInvalid(end, End);
    }

    /// <summary>
    /// A value that does not fit a type that was inferred is no bad row but shows that the types are wrong, if the record is right otherwise.
    /// </summary>
    private void ThrowIfContradiction(byte* record, byte* end)
    {
        if (_invalid < end)
        {
            Fault.Set(_invalid, JsonProblem.NotUtf8);
            return;
        }
        var (problem, column) = (Fault.Problem, Fault.Column);
        var at = Fault.At;
        var behind = JsonLexer<TKernel>.SkipValue(record, Newline, 0, Fault, out _);
        if (behind == null)
            return;
        if (Dialect.Layout == JsonLayout.Lines && (behind = JsonLexer.SkipBlanks(behind, Newline)) < end)
        {
            Fault.Set(behind, JsonProblem.TrailingContent);
            return;
        }
        Fault.Set(at, problem, column);
        throw new SchemaContradictionException(
            $"{Fault.Describe(End)} Let every record be looked at when the columns are found out, or fix the type of the column.", Locate());
    }

    private SourceLocation Locate()
    {
        var at = Fault.At > End ? End : Fault.At;
        if (at < _counted)
            CountFrom(Start);
        // records are refused in order, so every byte is looked at once
        var passed = new ReadOnlySpan<byte>(_counted, (int)(at - _counted));
        if (passed.LastIndexOf((byte)'\n') is >= 0 and var feed)
        {
            _line += passed.Count((byte)'\n');
            _lineStart = _counted + feed + 1;
        }
        _counted = at;
        var column = Fault.Column?.Path ?? (at - _lineStart + 1).ToString(CultureInfo.InvariantCulture);
        return new SourceLocation(_position.Name, _line, column, _position.ByteOffset + (at - Start));
    }

    private void CountFrom(byte* start)
    {
        _counted = _lineStart = start;
        _line = 1;
    }

    private void FindInvalid(byte* from, byte* end)
    {
        var at = Utf8Validator.FindInvalid(new ReadOnlySpan<byte>(from, (int)(end - from)), _level);
        _invalid = at < 0 ? (byte*)nuint.MaxValue : from + at;
    }

    private void Begin()
    {
        _rows = 0;
        _budget.Begin(_length);
        foreach (var column in _columns)
            column.Begin();
    }

    private void Flush()
    {
        var columns = ImmutableArray.CreateBuilder<Column>(_columns.Length);
        foreach (var column in _columns)
            columns.Add(column.Build());
        _sink!.Add(new RecordBatch(_plan.Schema, columns.MoveToImmutable(), _rows));
        _rows = 0;
    }
}
