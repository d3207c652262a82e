using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Converts values of any type to JSON text.</summary>
/// <param name="from">The type of the source.</param>
/// <param name="to">Json, or string for the text of nested values.</param>
internal sealed class ToJsonConverter(DataType from, DataType to) : ColumnConverter
{
    private readonly JsonValueEncoder _encoder = new(from);

    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var offsets = scope.Add(pool.Rent(checked((source.Length + 1) * sizeof(int))));
        var text = _encoder.Encode(source, pool, offsets.As<int>());
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), text, offsets);
        scope.Release();
        return column;
    }
}
