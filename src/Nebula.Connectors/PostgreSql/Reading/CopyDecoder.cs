using System.Buffers.Binary;
using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>
/// Turns rows of a binary <c>COPY</c> into columns: of some hundred rows the places of all values are found, then the values of one column after the other are
/// read. Stateless: one serves all threads.
/// </summary>
internal sealed unsafe class CopyDecoder : IBlockDecoder
{
    // places of so many values stay in the nearest caches
    private const int PlacesAtOnce = 8 << 10;
    private readonly string _name;
    private readonly BufferPool _pool;
    private readonly PostgreSqlWire[] _wires;
    private readonly Schema _read;
    private readonly BatchConverter? _converter;

    /// <param name="plan">The columns.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="NebulaException">A column cannot be converted to what the plan wants.</exception>
    public CopyDecoder(StreamPlan plan, BufferPool pool)
    {
        _name = plan.Stream.Name;
        _pool = pool;
        var columns = TableDetails.Columns(plan);
        _wires = [.. columns.Select(static column => column.Wire)];
        var read = new Schema(columns.Select(static column => column.Field));
        var converter = new BatchConverter(read, plan.Schema, [.. Enumerable.Range(0, columns.Length)], plan.Lossy, pool);
        _converter = converter.IsIdentity ? null : converter;
        _read = converter.IsIdentity ? plan.Schema : read;
    }

    /// <summary>Decodes a block of whole rows.</summary>
    /// <param name="block">The block; its context is the number of rows.</param>
    /// <param name="sink">Takes the rows.</param>
    /// <exception cref="DataFormatException">The bytes are no rows of these columns.</exception>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        if (_converter is not null)
            sink = new ConvertingSink(_converter, sink, block.Position);
        using var columns = new BuffersOfColumns(_read, _pool);
        var stride = Math.Max(_wires.Length, 1);
        var most = Math.Clamp(PlacesAtOnce / stride, 1, Math.Max(block.Context, 1));
        using var scratch = _pool.Rent(most * stride * sizeof(int));
        var places = new Span<int>(scratch.Pointer, most * stride);
        ReadOnlySpan<byte> bytes = block.Buffer.Content;
        var at = 0;
        var good = 0;
        for (var row = 0; row < block.Context; row += most)
        {
            var start = at;
            var rows = Math.Min(most, block.Context - row);
            at = FindValues(bytes, at, places, rows, block.Position);
            if (MayHaveFaults(block.Buffer.Pointer, (int*)scratch.Pointer, rows))
                rows = LeaveFaultyOut(bytes, places, rows, start, sink, block.Position);
            for (var i = 0; i < _wires.Length; i++)
            {
                var values = new WireValues(block.Buffer.Pointer, (int*)scratch.Pointer + i, _wires.Length, rows);
                if (!values.Read(_wires[i], columns.Items[i], block.Context - row, bytes.Length))
                    throw Broken(i, block.Position.ByteOffset + start);
            }
            good += rows;
        }
        if (at != bytes.Length)
            throw Broken(0, block.Position.ByteOffset + at);
        if (good > 0)
            sink.Add(columns.Build(_read, good));
    }

    /// <summary>Finds where the values of rows are: their lengths stand in front of them.</summary>
    private int FindValues(ReadOnlySpan<byte> bytes, int at, Span<int> places, int rows, SourcePosition position)
    {
        var columns = _wires.Length;
        for (var row = 0; row < rows; row++)
        {
            var start = at;
            if (bytes.Length - at < sizeof(short) || BinaryPrimitives.ReadInt16BigEndian(bytes[at..]) != columns)
                throw Broken(0, position.ByteOffset + start);
            at += sizeof(short);
            var found = places.Slice(row * columns, columns);
            for (var i = 0; i < found.Length; i++)
            {
                if (bytes.Length - at < sizeof(int))
                    throw Broken(i, position.ByteOffset + start);
                var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
                at += sizeof(int);
                if (length < WireValues.Null || length > bytes.Length - at)
                    throw Broken(i, position.ByteOffset + start);
                found[i] = at;
                at += Math.Max(length, 0);
            }
        }
        return at;
    }

    private bool MayHaveFaults(byte* bytes, int* places, int rows)
    {
        for (var i = 0; i < _wires.Length; i++)
            if (new WireValues(bytes, places + i, _wires.Length, rows).MayHaveFaults(_wires[i]))
                return true;
        return false;
    }

    /// <summary>Rejects rows with a value that its column cannot hold, before anything of them is read.</summary>
    /// <returns>Number of rows that stay, whose places are at the start.</returns>
    private int LeaveFaultyOut(ReadOnlySpan<byte> bytes, Span<int> places, int rows, int start, IDecodeSink sink, SourcePosition position)
    {
        SortedDictionary<int, (int Column, string What)>? faulty = null;
        for (var i = 0; i < _wires.Length; i++)
            if (_wires[i] is PostgreSqlWire.Numeric or PostgreSqlWire.Date or PostgreSqlWire.Time or PostgreSqlWire.Timestamp)
                for (var row = 0; row < rows; row++)
                    if (WireValues.FaultOf(bytes, places[row * _wires.Length + i], _wires[i]) is { } what)
                        (faulty ??= []).TryAdd(row, (i, what));
        if (faulty is null)
            return rows;
        var kept = 0;
        for (var row = 0; row < rows; row++)
        {
            var found = places.Slice(row * _wires.Length, _wires.Length);
            var end = WireValues.EndOf(bytes, found[^1]);
            if (faulty.TryGetValue(row, out var fault))
                sink.Reject(new RejectedRow(
                    new SourceLocation(_name, Column: _read.Fields[fault.Column].Name, ByteOffset: position.ByteOffset + start),
                    $"{fault.What} is no {_read.Fields[fault.Column].Type}; 'type: string' for the column keeps what PostgreSQL prints.",
                    bytes[start..end].ToArray()));
            else
                found.CopyTo(places[(kept++ * _wires.Length)..]);
            start = end;
        }
        return kept;
    }

    private DataFormatException Broken(int column, long position) => new(
        $"A value of {_read.Fields[column].Type} does not have the form that it should have. The column's type was changed after the run was planned: run "
            + $"again.",
        new SourceLocation(_name, Column: _read.Fields[column].Name, ByteOffset: position));

    /// <summary>The columns of one block.</summary>
    private sealed class BuffersOfColumns(Schema schema, BufferPool pool) : IDisposable
    {
        public ColumnBuffers[] Items { get; } = [.. schema.Fields.Select(field => new ColumnBuffers(field.Type, pool))];

        public RecordBatch Build(Schema schema, int rows)
        {
            using var scope = new BufferScope();
            var columns = ImmutableArray.CreateBuilder<Column>(Items.Length);
            foreach (var item in Items)
                columns.Add(scope.Add(item.Build()));
            var batch = new RecordBatch(schema, columns.MoveToImmutable(), rows);
            scope.Release();
            return batch;
        }

        public void Dispose()
        {
            foreach (var item in Items)
                item.Dispose();
        }
    }
}
