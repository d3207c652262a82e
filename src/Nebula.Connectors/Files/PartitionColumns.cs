using System.Collections.Immutable;
using Nebula.Connectors.Files.Output;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>The columns whose values are in the names of folders (<c>country=DE</c>) instead of in the files.</summary>
internal static class PartitionColumns
{
    /// <summary>Finds the columns of files that are read as one stream.</summary>
    /// <param name="files">The files.</param>
    /// <param name="schema">The columns in the files, which come first: a key that is one of them is not added.</param>
    /// <param name="isWanted">Whether folders must have values; null when it is enough that all files agree on the keys.</param>
    /// <param name="request">What is wanted.</param>
    /// <returns>The columns; empty when there are none.</returns>
    /// <exception cref="NebulaException">The files do not agree on the keys, and must.</exception>
    public static IReadOnlyList<Field> Find(IReadOnlyList<StoredObject> files, Schema schema, bool? isWanted, DiscoverRequest request)
    {
        if (isWanted is false || (isWanted is null && !files[0].Name.Contains('/')))
            return [];
        var first = ValuesOf(files[0]);
        var keys = first.Select(static pair => pair.Key).Distinct().ToList();
        var odd = files.FirstOrDefault(file => !ValuesOf(file).Select(static pair => pair.Key).SequenceEqual(first.Select(static pair => pair.Key)));
        if (odd is not null || (isWanted is true && keys.Count == 0))
            return isWanted is not true ? [] : throw new NebulaException(ErrorKind.Schema,
                $"'{(odd ?? files[0]).Path}' is not in folders such as key=value{(odd is null ? "" : $" as '{files[0].Path}' is")}. "
                + "Set 'hive_partitioning' to auto or false.");
        return [.. keys.Where(key => schema.IndexOf(key) < 0).Select(key => new Field(key, TypeOf(key, files, request)))];
    }

    /// <summary>The values in the folders of a file.</summary>
    public static IReadOnlyList<(string Key, string? Value)> ValuesOf(StoredObject file)
    {
        var values = new List<(string Key, string? Value)>();
        var folder = 0;
        for (int end; (end = file.Name.IndexOf('/', folder)) >= 0; folder = end + 1)
            if (HiveNames.Parse(file.Name[folder..end]) is { } value)
                values.Add(value);
        return values;
    }

    /// <summary>Makes the column of one row that holds a file's value.</summary>
    /// <param name="file">The file.</param>
    /// <param name="key">The key.</param>
    /// <param name="type">The type of the column.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="DataFormatException">The value is none of the type.</exception>
    public static Column Make(StoredObject file, string key, DataType type, BufferPool pool)
    {
        var value = ValuesOf(file).FirstOrDefault(pair => pair.Key == key).Value;
        using var builder = new ColumnBuilder(pool, DataType.String);
        if (value is null)
            builder.AppendNull();
        else
            builder.AppendBytes(System.Text.Encoding.UTF8.GetBytes(value));
        using var text = builder.Build();
        var faults = new ValueFaults();
        var converter = ColumnConverter.Create(DataType.String, type, allowsLoss: false)
            ?? throw BatchConverter.Impossible(new Field(key, DataType.String), type);
        var column = converter.Convert(text, pool, faults);
        if (faults.Items.Count == 0)
            return column;
        column.Dispose();
        throw new DataFormatException(
            $"the folder's name says '{value}', which is no {type}. Cast the column to string (columns: {{ {key}: string }}).",
            new SourceLocation(file.Name, Column: key));
    }

    /// <summary>The narrowest of int64, date and string that gives all values back.</summary>
    private static DataType TypeOf(string key, IReadOnlyList<StoredObject> files, DiscoverRequest request)
    {
        if (request.Types.TryGetValue(key, out var type))
            return type;
        if (!request.InferTypes)
            return DataType.String;
        var values = files.SelectMany(ValuesOf).Where(pair => pair.Key == key && pair.Value is not null).Select(static pair => pair.Value!).Distinct().ToList();
        return values.Count == 0 ? DataType.String
            : values.TrueForAll(Is<long, Int64Parser>) ? DataType.Int64
            : values.TrueForAll(Is<int, DateParser>) ? DataType.Date
            : DataType.String;
    }

    private static unsafe bool Is<T, TParser>(string value)
        where T : unmanaged
        where TParser : struct, IValueParser<T>
    {
        var bytes = new byte[System.Text.Encoding.UTF8.GetMaxByteCount(value.Length) + BufferPool.Padding];
        var length = System.Text.Encoding.UTF8.GetBytes(value, bytes);
        fixed (byte* p = bytes)
            return length > 0 && default(TParser).TryParse(p, length, out _);
    }
}

/// <summary>Reads files whose partition columns are in the names of their folders.</summary>
internal sealed class PartitionedReader : ISourceReader
{
    private readonly ISourceReader _inner;
    private readonly StreamPlan _plan;
    private readonly IReadOnlyList<StoredObject> _files;
    private readonly BufferPool _pool;

    // for each column of the plan its position in what is read; -1 for those in the names of folders
    private readonly ImmutableArray<int> _sources;

    /// <summary>Makes the reader.</summary>
    /// <param name="plan">The columns wanted.</param>
    /// <param name="partitions">Keys of the columns that are in the names of folders.</param>
    /// <param name="files">The files.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="open">Makes the reader of the other columns.</param>
    public PartitionedReader(
        StreamPlan plan, IReadOnlyList<string> partitions, IReadOnlyList<StoredObject> files,
        BufferPool pool, Func<StreamPlan, ISourceReader> open)
    {
        _plan = plan;
        _files = files;
        _pool = pool;
        var read = plan.Columns.Where(column => !partitions.Contains(column.SourceName)).ToImmutableArray();
        _sources = [.. plan.Columns.Select(column => partitions.Contains(column.SourceName) ? -1 : read.IndexOf(column))];
        var schema = new Schema(plan.Stream.Schema.Fields.Where(field => !partitions.Contains(field.Name)));
        // rows must be counted all the same
        if (read.IsEmpty && schema.Fields.Length > 0)
            read = [new PlannedColumn(schema.Fields[0].Name, schema.Fields[0])];
        _inner = open((plan with { Stream = plan.Stream with { Schema = schema }, Columns = read }).Build());
    }

    public long? TotalBytes => _inner.TotalBytes;

    public long BytesRead => _inner.BytesRead;

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken) => _inner.FetchAsync(cancellationToken);

    public long CountLinesBefore() => _inner.CountLinesBefore();

    public void Decode(RawBlock block, IDecodeSink sink) => _inner.Decode(block, new Sink(this, sink, _files[block.Position.FileIndex]));

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private RecordBatch Complete(RecordBatch batch, StoredObject file)
    {
        using var scope = new BufferScope();
        scope.Add(batch);
        using var zeros = _pool.Rent(checked(batch.Length * sizeof(int)));
        var rows = zeros.As<int>()[..batch.Length];
        rows.Clear();
        var columns = ImmutableArray.CreateBuilder<Column>(_sources.Length);
        for (var i = 0; i < _sources.Length; i++)
        {
            if (_sources[i] >= 0)
            {
                columns.Add(batch.Columns[_sources[i]]);
                continue;
            }
            using var one = PartitionColumns.Make(file, _plan.Columns[i].SourceName, _plan.Columns[i].Field.Type, _pool);
            columns.Add(scope.Add(RowSelection.Take(one, rows, _pool)));
        }
        foreach (var column in batch.Columns)
            if (!columns.Contains(column))
                column.Dispose();
        scope.Release();
        return new RecordBatch(_plan.Schema, columns.MoveToImmutable(), batch.Length);
    }

    private sealed class Sink(PartitionedReader reader, IDecodeSink sink, StoredObject file) : IDecodeSink
    {
        public void Add(RecordBatch batch) => sink.Add(reader.Complete(batch, file));

        public void Reject(RejectedRow row) => sink.Reject(row);

        public void Lines(long count) => sink.Lines(count);
    }
}
