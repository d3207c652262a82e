using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Samples.Connector;

/// <summary>Fetches ranges of numbers, one after the other, and decodes them, many at a time.</summary>
/// <param name="plan">The columns that are wanted.</param>
/// <param name="context">Lends the buffers.</param>
/// <param name="before">The number before the first.</param>
/// <param name="last">The last number.</param>
internal sealed class SequenceReader(StreamPlan plan, ReadContext context, long before, long last) : ISourceReader
{
    public const int RowWidth = sizeof(long) + sizeof(double);
    private long _fetched = before;

    public long? TotalBytes => null;

    public long BytesRead => 0;

    /// <summary>Only says which numbers come next; a source with a connection would read bytes here.</summary>
    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
    {
        var range = new NumberRange(_fetched + 1, (int)Math.Min(last - _fetched, context.BlockSize / RowWidth));
        if (range.Count == 0)
            return default;
        var buffer = context.Pool.Rent(Marshal.SizeOf<NumberRange>());
        MemoryMarshal.Write(buffer.Span, in range);
        buffer.Length = Marshal.SizeOf<NumberRange>();
        _fetched += range.Count;
        return new(new RawBlock(buffer, new SourcePosition(plan.Stream.Name, range.First)));
    }

    /// <summary>Runs on all processors at once: it uses nothing but the block and the plan.</summary>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        var range = MemoryMarshal.Read<NumberRange>(block.Buffer.Content);
        var columns = ImmutableArray.CreateBuilder<Column>(plan.Columns.Length);
        try
        {
            foreach (var column in plan.Columns)
                columns.Add(Decode(range, column));
        }
        catch
        {
            foreach (var column in columns)
                column.Dispose();
            throw;
        }
        sink.Add(new RecordBatch(plan.Schema, columns.MoveToImmutable(), range.Count));
    }

    public ValueTask DisposeAsync() => default;

    private Column Decode(NumberRange range, PlannedColumn column) => (column.SourceName, column.Field.Type.Kind) switch
    {
        ("number", TypeKind.Int64) => Fill<long>(range, column, static number => number),
        ("root", TypeKind.Float64) => Fill<double>(range, column, static number => Math.Sqrt(number)),
        _ => throw NebulaException.Configuration(
            $"The column \"{column.SourceName}\" of a sequence cannot be read as {column.Field.Type}. Leave its type as it is."),
    };

    private Column Fill<T>(NumberRange range, PlannedColumn column, Func<long, T> valueOf) where T : unmanaged
    {
        var buffer = context.Pool.Rent(range.Count * Marshal.SizeOf<T>());
        var values = buffer.As<T>();
        for (var i = 0; i < range.Count; i++)
            values[i] = valueOf(range.First + i);
        return new Column(column.Field.Type, range.Count, nullCount: 0, validity: null, buffer);
    }

    private readonly record struct NumberRange(long First, int Count);
}
