using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Turns rows into row groups. Thread-safe.</summary>
internal sealed class ParquetBlockEncoder : IBlockEncoder
{
    private readonly ParquetSchema _schema;
    private readonly ParquetWriteOptions _options;
    private readonly BufferPool _pool;
    private readonly bool[] _hasBloomFilter;

    /// <summary>Makes an encoder.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="NebulaException">A column cannot be stored, or an option names one that is not there.</exception>
    public ParquetBlockEncoder(Schema schema, ParquetWriteOptions options, BufferPool pool)
    {
        _schema = new ParquetSchema(schema);
        _options = options;
        _pool = pool;
        _hasBloomFilter = new bool[_schema.Leaves.Length];
        foreach (var name in options.BloomFilters)
            _hasBloomFilter[LeafOf(name, "bloom_filter", options.BloomFilterLocation).Index] = true;
        SortingColumns = [.. options.SortedBy.Select(column =>
            new SortingColumn(LeafOf(column.Name, "sorted_by", options.SortedByLocation).Index, column.Descending, column.NullsFirst))];
    }

    /// <inheritdoc/>
    public RowTarget? Target => new RowTarget(_options.RowGroupRows, _options.RowGroupSize);

    /// <summary>How the schema is written.</summary>
    public ParquetSchema Schema => _schema;

    /// <summary>By which leaves rows are sorted.</summary>
    public IReadOnlyList<SortingColumn> SortingColumns { get; }

    /// <summary>Notes beside the data.</summary>
    public IReadOnlyList<KeyValue> Notes => _options.Metadata;

    /// <inheritdoc/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        DecimalDigits.Require(batch);
        using var output = new GrowingBuffer(_pool);
        // what comes out is seldom more than half of what goes in; buffers are not moved then
        output.Prepare((int)Math.Min(batch.BufferBytes / 2, BufferPool.MaxCapacity / 4));
        var chunks = new List<EncodedChunk>(_schema.Leaves.Length);
        using (var encoder = new ColumnChunkEncoder(_options, output, _pool))
        {
            var shredder = new RowShredder(_pool);
            for (var i = 0; i < batch.Columns.Length; i++)
                shredder.Shred(_schema.Roots[i], batch.Columns[i], entries => chunks.Add(encoder.Encode(entries, _hasBloomFilter[entries.Field.Index])));
        }
        return new EncodedBlock(output.Detach(), batch.Length) { Metadata = new EncodedRowGroup(batch.Length, chunks) };
    }

    /// <inheritdoc/>
    public IFileFrame CreateFrame() => new ParquetFileFrame(this);

    private LeafField LeafOf(string name, string option, SourceLocation? location) =>
        _schema.Leaves.FirstOrDefault(leaf => leaf.Name == name) ?? throw NebulaException.Configuration(
            $"'{option}' names \"{name}\", which is no column of the file.{Suggestion.For(name, _schema.Leaves.Select(static leaf => leaf.Name))}", location);
}
