using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Reads the record batches of a file.</summary>
internal sealed class ArrowReader : IContainerReader
{
    // Up to this many times the size wanted, a batch is one block.
    private const int LargestBlock = 4;

    // What dictionaries, runs and views may add to a batch of rows.
    private const long LargestUnfolded = 32 << 20;

    private readonly string _name;
    private readonly ArrowSchema _declared;
    private readonly BatchPlan _plan;
    private readonly ImmutableArray<ColumnPlan> _columns;
    private readonly Schema _schema;
    private readonly MessageSequence _messages;
    private readonly ReadContext _context;
    private readonly BodyLoader _loader;
    private readonly DictionaryStore _dictionaries;
    private readonly long[] _dictionaryIds;
    private readonly HashSet<long> _neededIds;
    private readonly bool _mayReplace;
    private int _batchesToSkip;
    private int _batchesLeft;
    private Batch? _batch;

    /// <summary>Starts reading.</summary>
    /// <param name="file">The file; it stays its owner's.</param>
    /// <param name="source">What is known about it.</param>
    /// <param name="columns">Positions of the columns wanted.</param>
    /// <param name="messages">Its messages.</param>
    /// <param name="batchesToSkip">Record batches among them to pass over.</param>
    /// <param name="batchCount">Record batches to read.</param>
    /// <param name="context">Block size and pool.</param>
    public ArrowReader(ArrowFile file, IRandomAccess source, ImmutableArray<int> columns, MessageSequence messages, int batchesToSkip, int batchCount,
        ReadContext context)
    {
        _name = source.Name;
        _declared = file.Declared;
        _plan = file.Plan;
        _columns = [.. columns.Select(column => file.Plan.Columns[column])];
        _schema = new Schema(columns.Select(column => file.Schema.Fields[column]));
        _messages = messages;
        _context = context;
        _loader = new BodyLoader(source, _declared.IsBigEndian, context.Pool);
        _mayReplace = file.IsStream;
        _batchesToSkip = batchesToSkip;
        _batchesLeft = batchCount;
        var plans = new Dictionary<long, BatchPlan>();
        foreach (var (id, values) in _columns.SelectMany(static column => column.Dictionaries()))
            plans.TryAdd(id, values);
        _dictionaries = new DictionaryStore(plans, _declared.IsBigEndian, context.Pool);
        _neededIds = [.. plans.Keys];
        _dictionaryIds = [.. _columns.SelectMany(DirectDictionaries).Distinct()];
    }

    public long BytesRead => _loader.BytesRead;

    public RawBlock? Next()
    {
        try
        {
            while (_batch is null || _batch.NextRow >= _batch.Body.Header.Length)
            {
                _batch = null;
                if (!FindBatch())
                    return null;
            }
            return LoadRows(_batch);
        }
        catch (ArrowFault fault)
        {
            throw fault.ToDataFormatException(_name, _batch?.BodyOffset ?? _messages.Position, _messages.Current);
        }
    }

    public void Decode(RawBlock block, IDecodeSink sink)
    {
        var rows = (ArrowRows)block.Detail!;
        try
        {
            using var decompressor = new BodyDecompressor(_declared.IsBigEndian, _context.Pool);
            var body = rows.Body.Header.Codec == BodyCodec.None ? rows.Body : decompressor.Decompress(rows.Body, block.Buffer, _columns);
            for (var start = rows.Start; start < rows.End;)
            {
                var batch = DecodeBatch(body, rows, start, (int)Math.Min(IContainerReader.BatchRows, rows.End - start));
                start += batch.Length;
                sink.Add(batch);
            }
        }
        catch (ArrowFault fault)
        {
            throw fault.ToDataFormatException(_name, block.Position.ByteOffset, rows.Part);
        }
    }

    public void Dispose() => _dictionaries.Dispose();

    /// <summary>Reads messages up to the next record batch with rows.</summary>
    private bool FindBatch()
    {
        while (_batchesLeft > 0 && _messages.Next(_loader, out var block) is { } message)
        {
            if (message.Kind == MessageKind.DictionaryBatch)
            {
                if (_neededIds.Contains(message.DictionaryId))
                    _dictionaries.Add(message, _loader, block.BodyOffset, _mayReplace);
                continue;
            }
            if (_batchesToSkip > 0)
            {
                _batchesToSkip--;
                continue;
            }
            _batchesLeft--;
            var body = new BatchBody(_plan, message.Batch!);
            if (message.Batch!.Length > int.MaxValue)
                throw new ArrowFault($"the batch has {message.Batch.Length} rows; no more than {int.MaxValue} can be read", 0,
                    advice: "Have the file written with smaller batches.");
            _batch = new Batch(body, block.BodyOffset, BodyLoader.SizeOf(body, _columns), _messages.Current);
            return true;
        }
        return false;
    }

    private RawBlock LoadRows(Batch batch)
    {
        var length = batch.Body.Header.Length;
        if (batch.Body.Header.Codec != BodyCodec.None || batch.Bytes <= (long)LargestBlock * _context.BlockSize)
        {
            var memory = _loader.LoadWhole(batch.Body, _columns, batch.BodyOffset);
            batch.NextRow = length;
            return ToBlock(batch, batch.Body, memory, 0, length);
        }
        // Whole bytes of bitmaps where rows are small enough.
        var rows = Math.Min(length - batch.NextRow, Math.Max((long)(_context.BlockSize / ((double)batch.Bytes / length)) & ~63L, 64));
        while (true)
        {
            var limit = rows == 1 ? _context.MaxRecordSize - BatchBody.Slack : Math.Max((long)LargestBlock * _context.BlockSize, 64 << 10);
            var body = batch.Body.CreateEmpty();
            try
            {
                using var loader = new RowLoader(_loader, body, batch.BodyOffset, _declared.IsBigEndian, limit, _context.Pool);
                var memory = loader.Load(_columns, batch.NextRow, (int)rows);
                var start = batch.NextRow;
                batch.NextRow += rows;
                return ToBlock(batch, body, memory, start, start + rows);
            }
            catch (BatchTooLargeException) when (rows > 1)
            {
                rows = (rows + 1) / 2;
            }
            catch (BatchTooLargeException)
            {
                throw RowTooLarge(batch.NextRow, limit);
            }
        }
    }

    private RawBlock ToBlock(Batch batch, BatchBody body, PooledBuffer memory, long start, long end)
    {
        var rows = new ArrowRows(body, start, end, batch.Part, _dictionaries.Share(_dictionaryIds));
        return new RawBlock(memory, new SourcePosition(_name, batch.BodyOffset)) { Detail = rows };
    }

    private RecordBatch DecodeBatch(BatchBody body, ArrowRows rows, long start, int count)
    {
        while (true)
        {
            var limit = count == 1 ? _context.MaxRecordSize : LargestUnfolded;
            try
            {
                using var scope = new BufferScope();
                var decoder = new ColumnDecoder(body, rows.Dictionaries, _context.Pool, new DecodeBudget(limit));
                var columns = ImmutableArray.CreateBuilder<Column>(_columns.Length);
                for (var i = 0; i < _columns.Length; i++)
                    columns.Add(CheckNulls(scope.Add(decoder.Read(_columns[i], start, count)), i, start));
                scope.Release();
                return new RecordBatch(_schema, columns.MoveToImmutable(), count);
            }
            catch (BatchTooLargeException) when (count > 1)
            {
                count /= 2;
            }
            catch (BatchTooLargeException)
            {
                throw RowTooLarge(start, limit);
            }
        }
    }

    private Column CheckNulls(Column column, int index, long start) => column.NullCount == 0 || _schema.Fields[index].Nullable ? column
        : throw new ArrowFault($"{column.NullCount} of {column.Length} values from {start} on are null, but the schema says that none is",
            column: _columns[index].Path);

    private static ArrowFault RowTooLarge(long row, long limit) => new($"the row needs more than {Units.FormatSize(limit)}", value: row,
        advice: "Raise the memory limit, or leave large columns out.");

    /// <summary>Dictionaries that batches refer to, other than from inside dictionaries.</summary>
    private static IEnumerable<long> DirectDictionaries(ColumnPlan column) =>
        column.Values is not null ? [column.Field.Dictionary!.Id] : column.Children.SelectMany(DirectDictionaries);

    private sealed class Batch(BatchBody body, long bodyOffset, long bytes, string part)
    {
        public BatchBody Body { get; } = body;

        public long BodyOffset { get; } = bodyOffset;

        public long Bytes { get; } = bytes;

        public string Part { get; } = part;

        public long NextRow { get; set; }
    }
}

/// <summary>What a block holds: <see cref="RawBlock.Detail"/>.</summary>
/// <param name="Body">The buffers, in the memory of the block.</param>
/// <param name="Start">First row.</param>
/// <param name="End">The row behind the last.</param>
/// <param name="Part">What it is, for messages.</param>
/// <param name="Dictionaries">The dictionaries as they are at this place of the file.</param>
internal sealed record ArrowRows(BatchBody Body, long Start, long End, string Part, Dictionary<long, Column> Dictionaries) : IDisposable
{
    /// <summary>Lets the dictionaries go.</summary>
    public void Dispose()
    {
        foreach (var column in Dictionaries.Values)
            column.Dispose();
    }
}
