using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>
/// Turns batches of one schema into batches of another: columns picked, added as nulls, and converted. Rows with values that cannot be converted are bad rows.
/// Stateless: one serves all threads.
/// </summary>
internal sealed class BatchConverter
{
    private readonly Schema _from;
    private readonly Schema _to;
    private readonly ImmutableArray<int> _sources;
    private readonly ColumnConverter?[] _converters;
    private readonly BufferPool _pool;

    /// <summary>Makes a converter.</summary>
    /// <param name="from">The columns of the batches.</param>
    /// <param name="to">The columns that they get.</param>
    /// <param name="sources">For each column of <paramref name="to"/> the position of its source; -1 for none.</param>
    /// <param name="lossy">What happens to values that would be rounded.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="NebulaException">A column cannot be converted to its type.</exception>
    public BatchConverter(Schema from, Schema to, ImmutableArray<int> sources, LossyPolicy lossy, BufferPool pool)
    {
        _from = from;
        _to = to;
        _sources = sources;
        _pool = pool;
        _converters = new ColumnConverter?[sources.Length];
        var taken = new HashSet<int>();
        for (var i = 0; i < sources.Length; i++)
            if (sources[i] >= 0)
                _converters[i] = Find(from.Fields[sources[i]], to.Fields[i].Type, lossy, isFirst: taken.Add(sources[i]));
        IsIdentity = _converters.All(static converter => converter is null) && sources.SequenceEqual(Enumerable.Range(0, from.Fields.Length));
    }

    /// <summary>Whether nothing changes but names.</summary>
    public bool IsIdentity { get; }

    /// <summary>Converts a batch.</summary>
    /// <param name="batch">The rows, which this disposes of.</param>
    /// <param name="sink">Takes the rows that could not be converted.</param>
    /// <param name="position">Where the block of the rows starts.</param>
    /// <returns>The rows that could.</returns>
    public RecordBatch Convert(RecordBatch batch, IDecodeSink sink, SourcePosition position)
    {
        var columns = ImmutableArray.CreateBuilder<Column>(_sources.Length);
        using var converted = new BufferScope();
        try
        {
            SortedDictionary<int, (int Column, ValueFault Fault)>? bad = null;
            for (var i = 0; i < _sources.Length; i++)
            {
                if (_sources[i] < 0)
                    columns.Add(converted.Add(ColumnConverter.Nulls(_to.Fields[i].Type, batch.Length, _pool)));
                else if (_converters[i] is not { } converter)
                    columns.Add(batch.Columns[_sources[i]]);
                else
                {
                    var faults = new ValueFaults();
                    columns.Add(converted.Add(converter.Convert(batch.Columns[_sources[i]], _pool, faults)));
                    foreach (var (row, fault) in faults.Items)
                        (bad ??= []).TryAdd(row, (i, fault));
                }
            }
            var result = new RecordBatch(_to, columns.MoveToImmutable(), batch.Length);
            if (bad is not null)
            {
                foreach (var (row, (column, fault)) in bad)
                    sink.Reject(Describe(batch, row, column, fault, position));
                var good = Without(result, bad.Keys);
                // what was moved belongs to the batch, what was converted to the scope
                batch.Dispose();
                return good;
            }
            for (var i = 0; i < batch.Columns.Length; i++)
                if (!result.Columns.Contains(batch.Columns[i]))
                    batch.Columns[i].Dispose();
            converted.Release();
            return result;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    private static ColumnConverter? Find(Field from, DataType to, LossyPolicy lossy, bool isFirst)
    {
        // a column can be moved once; where it is wanted again it is copied
        if (from.Type.Equals(to) && isFirst)
            return null;
        return ColumnConverter.Create(from.Type, to, lossy != LossyPolicy.Refuse) ?? throw Impossible(from, to);
    }

    /// <summary>The error of a cast that there is none of.</summary>
    internal static NebulaException Impossible(Field from, DataType to) => NebulaException.Configuration(
        $"Column \"{from.Name}\" is {from.Type} and cannot be cast to {to}. Cast it to string or json, or leave the cast out.");

    private RecordBatch Without(RecordBatch rows, IEnumerable<int> bad)
    {
        using var builder = new RecordBatchBuilder(_pool, _to);
        var next = 0;
        foreach (var row in bad)
        {
            builder.AppendRange(rows, next, row - next);
            next = row + 1;
        }
        builder.AppendRange(rows, next, rows.Length - next);
        return builder.Build();
    }

    private RejectedRow Describe(RecordBatch batch, int row, int column, ValueFault fault, SourcePosition position)
    {
        var source = batch.Columns[_sources[column]];
        var value = DataFormatException.Show(Render(source, row), 60);
        var (from, to) = (source.Type, _to.Fields[column].Type);
        var reason = fault == ValueFault.Loses
            ? $"the value {value} of type {from} would lose something as {to}. Cast the column to a type that holds it, or set 'schema.lossy: allow' to have "
                + "such values rounded"
            : $"the value {value} of type {from} does not fit {to}";
        return new RejectedRow(new SourceLocation(position.Name, Column: _from.Fields[_sources[column]].Name, ByteOffset: position.ByteOffset), reason,
            RenderRow(batch, row));
    }

    /// <summary>A value as JSON text, strings without quotes.</summary>
    private byte[] Render(Column column, int row)
    {
        if (column.Type.Kind is TypeKind.String or TypeKind.Json)
            return column.GetBytes(row).ToArray();
        using var one = One(column, row);
        using var text = new ToJsonConverter(column.Type, DataType.Json).Convert(one, _pool, new ValueFaults());
        return text.GetBytes(0).Trim((byte)'"').ToArray();
    }

    /// <summary>The row as a JSON object: there are no bytes in the file that are the row's alone.</summary>
    private byte[] RenderRow(RecordBatch batch, int row)
    {
        var type = DataType.Struct([.. _from.Fields]);
        using var scope = new BufferScope();
        using var one = new Column(type, 1, 0, null, null, children: [.. batch.Columns.Select(column => scope.Add(One(column, row)))]);
        using var text = new ToJsonConverter(type, DataType.Json).Convert(one, _pool, new ValueFaults());
        return text.GetBytes(0).ToArray();
    }

    private Column One(Column column, int row)
    {
        using var builder = new ColumnBuilder(_pool, column.Type);
        builder.AppendRange(column, row, 1);
        return builder.Build();
    }
}
