using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>Turns batches into JSON, one object a row: a line each, or the elements of one array.</summary>
internal sealed unsafe class JsonEncoder : IBlockEncoder
{
    private readonly ImmutableArray<JsonNode> _nodes;
    private readonly int _cursorCount;
    private readonly bool _isArray;
    private readonly bool _omitNulls;
    private readonly BufferPool _pool;
    private readonly IJsonRowWriter _rowWriter;

    /// <summary>Makes an encoder.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="isArray">Whether the rows are the elements of an array instead of lines.</param>
    /// <param name="omitNulls">Whether keys of nulls are left out.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="level">The kernels used.</param>
    public JsonEncoder(Schema schema, bool isArray, bool omitNulls, BufferPool pool, SimdLevel level)
    {
        _nodes = [.. schema.Fields.Select(JsonNode.OfField)];
        _cursorCount = _nodes.Sum(static node => node.Count);
        _isArray = isArray;
        _omitNulls = omitNulls;
        _pool = pool;
        _rowWriter = CreateRowWriter(level);
    }

    /// <summary>Makes the row loop with the kernels of a vector width.</summary>
    public static IJsonRowWriter CreateRowWriter(SimdLevel level) => level switch
    {
        SimdLevel.Vector512 => new JsonRowWriter<StringKernel512>(),
        SimdLevel.Vector256 => new JsonRowWriter<StringKernel256>(),
        SimdLevel.Vector128 => new JsonRowWriter<StringKernel128>(),
        _ => new JsonRowWriter<ScalarStringKernel>(),
    };

    /// <inheritdoc/>
    public IFileFrame CreateFrame() => _isArray
        ? new TextFrame("[\n"u8.ToArray(), ",\n"u8.ToArray(), "\n]\n"u8.ToArray(), "]\n"u8.ToArray())
        : new TextFrame(default, default, default, default);

    /// <inheritdoc/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        const int RowFrame = 4; // brackets and separator
        var bound = (long)batch.Length * RowFrame;
        for (var i = 0; i < _nodes.Length; i++)
            bound += _nodes[i].Bound(batch.Columns[i], batch.Length);
        using var cursors = _pool.Rent(_cursorCount * sizeof(JsonCursor));
        var first = (JsonCursor*)cursors.Pointer;
        var free = first + _nodes.Length;
        for (var i = 0; i < _nodes.Length; i++)
            _nodes[i].Bind(first + i, batch.Columns[i], ref free);
        using var output = new TextOutput(_pool, bound, "JSON");
        var separator = (ushort)(_isArray ? ',' | '\n' << 8 : '\n');
        var end = _rowWriter.WriteRows(output, first, _nodes.Length, batch.Length, separator, _isArray ? 2 : 1, _omitNulls);
        if (_isArray && batch.Length > 0)
            end -= 2; // the separator behind the last row belongs to the file
        return new EncodedBlock(output.Finish(end), batch.Length);
    }
}
