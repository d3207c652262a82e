using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Reads one leaf from page to page: levels, and values where they say that there are some.</summary>
internal sealed unsafe class LeafReader : IDisposable
{
    private const int LevelPiece = 4096;
    private readonly BufferPool _pool;
    private readonly PageReader _pages;
    private readonly long _maxLevels;
    private LevelReader _definition;
    private LevelReader _repetition;
    private int _pageLeft;
    private bool _startsWithinRow;
    private bool _hasDictionary;

    // levels of the current page that were decoded and not yet used
    private PooledBuffer? _pieceDefinition;
    private PooledBuffer? _pieceRepetition;
    private int _pieceAt;
    private int _pieceEnd;

    // levels of the batch
    private PooledBuffer? _batchDefinition;
    private PooledBuffer? _batchRepetition;

    /// <summary>Starts before the first page.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="pages">Its pages, which belong to the reader from here on, also when this throws.</param>
    /// <param name="startsWithinRow">Whether the first value belongs to a row that began before.</param>
    /// <param name="keepsDictionary">Whether strings may become a column with a dictionary.</param>
    /// <param name="maxBytes">Bytes that the levels or the values of a batch may take.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="ParquetFault">The leaf cannot be read.</exception>
    public LeafReader(SchemaLeaf leaf, PageReader pages, bool startsWithinRow, bool keepsDictionary, int maxBytes, BufferPool pool)
    {
        (Leaf, _pages, _startsWithinRow, _pool) = (leaf, pages, startsWithinRow, pool);
        _maxLevels = Math.Min(maxBytes / sizeof(uint), int.MaxValue / sizeof(uint) - LevelPiece);
        try
        {
            Values = LeafValues.Create(leaf, keepsDictionary, maxBytes, pool);
        }
        catch
        {
            pages.Dispose();
            throw;
        }
    }

    /// <summary>The leaf.</summary>
    public SchemaLeaf Leaf { get; }

    /// <summary>The values of the batch.</summary>
    public LeafValues Values { get; }

    /// <summary>Where the current page begins in the file.</summary>
    public long FileOffset => _pages.FileOffset;

    /// <summary>Number of levels of the batch.</summary>
    public int LevelCount { get; private set; }

    /// <summary>Definition levels of the batch.</summary>
    public uint* Definition => (uint*)_batchDefinition!.Pointer;

    /// <summary>Repetition levels of the batch; null where the leaf does not repeat.</summary>
    public uint* Repetition => _batchRepetition is null ? null : (uint*)_batchRepetition.Pointer;

    /// <summary>How many rows the next batch can have as far as this leaf, which does not repeat, is concerned.</summary>
    /// <param name="rows">Number of rows wanted.</param>
    /// <param name="bytes">Bytes that values may take.</param>
    /// <exception cref="ParquetFault">The page is damaged.</exception>
    public int RowsWithin(int rows, long bytes)
    {
        if (Leaf.MaxRepetitionLevel > 0 || rows == 0 || _pageLeft == 0 && !NextPage())
            return rows;
        var inPage = Math.Min(rows, _pageLeft);
        // values are at most as many as levels
        var fit = Values.CountWithin(inPage, bytes);
        return fit < inPage ? fit : Values.IsParticular ? inPage + _pages.CountAhead(rows - inPage, Values) : rows;
    }

    /// <summary>Reads rows of a leaf that neither repeats nor lies in an optional group, and makes a column of them.</summary>
    /// <param name="type">Type of the column.</param>
    /// <param name="rows">Number of rows.</param>
    /// <exception cref="ParquetFault">There are not so many, or a page is damaged.</exception>
    public Column ReadFlat(Schemas.DataType type, int rows)
    {
        Values.Begin(rows);
        if (Leaf.MaxDefinitionLevel == 0)
        {
            for (var done = 0; done < rows;)
            {
                var step = StepIn(rows - done);
                Values.Append(step);
                _pageLeft -= step;
                done += step;
            }
            return Values.Finish(type, rows, null);
        }
        using var scope = new BufferScope();
        var validity = scope.Add(_pool.Rent(Bitmap.ByteCount(rows) + sizeof(ulong)));
        var bits = new Span<byte>(validity.Pointer, validity.Capacity + BufferPool.Padding);
        var present = 0;
        for (var done = 0; done < rows;)
        {
            var step = StepIn(rows - done);
            var set = _definition.ReadBits(bits, done, step);
            Values.Append(set);
            _pageLeft -= step;
            done += step;
            present += set;
        }
        var column = Values.Finish(type, rows, present == rows ? null : validity);
        if (present < rows)
            scope.Release();
        return column;
    }

    /// <summary>Reads rows into <see cref="Definition"/>, <see cref="Repetition"/> and <see cref="Values"/>.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <exception cref="ParquetFault">There are not so many, or a page is damaged.</exception>
    public void ReadNested(int rows)
    {
        LevelCount = 0;
        Values.Begin(rows);
        Reserve(ref _batchDefinition, 0, rows);
        if (Leaf.MaxRepetitionLevel > 0)
            Reserve(ref _batchRepetition, 0, rows);
        var started = 0;
        while (true)
        {
            if (_pieceAt == _pieceEnd && !DecodePiece())
            {
                if (started == rows)
                    return;
                throw new ParquetFault($"there are fewer rows than announced: {rows - started} are missing");
            }
            var taken = Leaf.MaxRepetitionLevel == 0 ? TakeRows(rows - started, ref started) : TakeWithin(rows, ref started);
            if (taken == 0)
                return;
            if (Leaf.MaxRepetitionLevel == 0 && started == rows)
                return;
        }
    }

    /// <summary>Passes over rows.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <exception cref="ParquetFault">There are not so many, or a page is damaged.</exception>
    public void Skip(int rows)
    {
        if (Leaf.MaxRepetitionLevel == 0 && Leaf.MaxDefinitionLevel <= 1)
            ReadFlat(Leaf.Type.Type, rows).Dispose();
        else
            ReadNested(rows);
    }

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        _pages.Dispose();
        Values.Dispose();
        _pieceDefinition?.Dispose();
        _pieceRepetition?.Dispose();
        _batchDefinition?.Dispose();
        _batchRepetition?.Dispose();
        _pieceDefinition = _pieceRepetition = _batchDefinition = _batchRepetition = null;
    }

    private int StepIn(int wanted)
    {
        if (_pageLeft == 0 && !NextPage())
            throw new ParquetFault($"there are fewer rows than announced: {wanted} are missing");
        return Math.Min(wanted, _pageLeft);
    }

    private bool NextPage()
    {
        while (_pages.MoveNext())
        {
            var header = _pages.Header;
            if (header.Type == PageType.Dictionary)
            {
                if (_hasDictionary)
                    throw new ParquetFault("there is a second dictionary, which is not possible", 0);
                _hasDictionary = true;
                if (header.Encoding is not (PageEncoding.Plain or PageEncoding.PlainDictionary))
                    throw new ParquetFault($"a dictionary is encoded as {header.Encoding}, which is not possible", 0);
                Values.SetDictionary(_pages.Data, _pages.DataEnd, header.ValueCount);
                continue;
            }
            var at = _pages.Data;
            if (header.Type == PageType.DataV2)
            {
                _repetition = LevelReader.Start(Leaf.MaxRepetitionLevel, at, header.RepetitionLevelsLength);
                at += header.RepetitionLevelsLength;
                _definition = LevelReader.Start(Leaf.MaxDefinitionLevel, at, header.DefinitionLevelsLength);
                at += header.DefinitionLevelsLength;
            }
            else
            {
                _repetition = LevelReader.Start(header.RepetitionLevelEncoding, Leaf.MaxRepetitionLevel, header.ValueCount, ref at, _pages.DataEnd);
                _definition = LevelReader.Start(header.DefinitionLevelEncoding, Leaf.MaxDefinitionLevel, header.ValueCount, ref at, _pages.DataEnd);
            }
            Values.StartPage(header.Encoding, at, _pages.DataEnd);
            _pageLeft = header.ValueCount;
            return true;
        }
        return false;
    }

    private bool DecodePiece()
    {
        if (_pageLeft == 0 && !NextPage())
            return false;
        var count = Math.Min(LevelPiece, _pageLeft);
        _pieceDefinition ??= _pool.Rent((LevelPiece + 16) * sizeof(uint));
        _definition.Read((uint*)_pieceDefinition.Pointer, count);
        if (Leaf.MaxRepetitionLevel > 0)
        {
            _pieceRepetition ??= _pool.Rent((LevelPiece + 16) * sizeof(uint));
            _repetition.Read((uint*)_pieceRepetition.Pointer, count);
        }
        _pageLeft -= count;
        (_pieceAt, _pieceEnd) = (0, count);
        return true;
    }

    private int TakeRows(int wanted, ref int started)
    {
        var taken = Math.Min(wanted, _pieceEnd - _pieceAt);
        Take(taken);
        started += taken;
        return taken;
    }

    /// <summary>Takes levels up to the first that begins a row too many. 0 when that is the next.</summary>
    private int TakeWithin(int rows, ref int started)
    {
        var repetition = (uint*)_pieceRepetition!.Pointer;
        var end = _pieceAt;
        if (started == 0 && repetition[end] != 0)
        {
            if (!_startsWithinRow)
                throw new ParquetFault("the first value of a row repeats the one before, and there is none");
            started++;
        }
        _startsWithinRow = false;
        for (; end < _pieceEnd; end++)
            if (repetition[end] == 0)
            {
                if (started == rows)
                    break;
                started++;
            }
        var taken = end - _pieceAt;
        Take(taken);
        return end < _pieceEnd ? 0 : taken;
    }

    private void Take(int count)
    {
        if (count == 0)
            return;
        if (LevelCount + (long)count > _maxLevels)
            throw new ParquetFault($"rows have more than {Units.FormatSize(_maxLevels * sizeof(uint))} of nesting levels", -1,
                "Raise the memory limit, or leave out the column.");
        var definition = (uint*)_pieceDefinition!.Pointer + _pieceAt;
        Reserve(ref _batchDefinition, LevelCount, count);
        Buffer.MemoryCopy(definition, Definition + LevelCount, (long)count * sizeof(uint), (long)count * sizeof(uint));
        if (Leaf.MaxRepetitionLevel > 0)
        {
            Reserve(ref _batchRepetition, LevelCount, count);
            Buffer.MemoryCopy((uint*)_pieceRepetition!.Pointer + _pieceAt, Repetition + LevelCount, (long)count * sizeof(uint), (long)count * sizeof(uint));
        }
        var present = 0;
        var max = (uint)Leaf.MaxDefinitionLevel;
        for (var i = 0; i < count; i++)
            present += definition[i] == max ? 1 : 0;
        Values.Append(present);
        LevelCount += count;
        _pieceAt += count;
    }

    private void Reserve(ref PooledBuffer? buffer, int used, int more)
    {
        var needed = checked((used + more) * sizeof(uint));
        if (buffer is not null && buffer.Capacity >= needed)
            return;
        var larger = _pool.Rent((int)Math.Min(Math.Max(needed, 2L * (buffer?.Capacity ?? 0)), BufferPool.MaxCapacity));
        if (buffer is not null)
        {
            Buffer.MemoryCopy(buffer.Pointer, larger.Pointer, larger.Capacity, (long)used * sizeof(uint));
            buffer.Dispose();
        }
        buffer = larger;
    }
}
