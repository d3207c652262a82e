using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>Turns the values of a column into JSON texts of their own. Used by many threads at once.</summary>
/// <param name="type">The type of the column.</param>
internal sealed unsafe class JsonValueEncoder(DataType type)
{
    private readonly JsonNode _node = JsonNode.OfValue(type);
    private readonly IJsonRowWriter _rowWriter = JsonEncoder.CreateRowWriter(Simd.Level);

    /// <summary>Encodes all values. Nulls take no bytes.</summary>
    /// <param name="column">The column.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="offsets">Takes the offsets of the texts: one more than there are values.</param>
    /// <returns>The texts, one behind the other.</returns>
    /// <exception cref="Diagnostics.NebulaException">The texts are larger than a buffer can be.</exception>
    public PooledBuffer Encode(Column column, BufferPool pool, Span<int> offsets)
    {
        using var cursors = pool.Rent(_node.Count * sizeof(JsonCursor));
        var first = (JsonCursor*)cursors.Pointer;
        var free = first + 1;
        _node.Bind(first, column, ref free);
        using var output = new TextOutput(pool, _node.Bound(column, column.Length), "JSON");
        var end = _rowWriter.WriteValues(output, first, column.Length, offsets);
        return output.Finish(end);
    }
}
