using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Formats.Json.Reading;
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

/// <summary>Looks for text in a column that is no JSON document.</summary>
internal static unsafe class JsonDocuments
{
    /// <summary>Whether a value is one JSON document (RFC 8259) of at most <see cref="JsonLexer.MaxDepth"/> levels, with or without blanks around it.</summary>
    /// <param name="column">A column of UTF-8 texts that is nobody else's: the byte behind the value is changed for a moment.</param>
    /// <param name="row">Which value.</param>
    /// <param name="fault">Takes what is wrong.</param>
    public static bool IsOne(Column column, int row, JsonFault fault)
    {
        var text = column.GetBytes(row);
        fixed (byte* start = text)
        {
            if (start == null)
                return false;
            var end = start + text.Length;
            var behind = *end;
            *end = 0;
            var p = JsonLexer<StringKernel128>.SkipValue(JsonLexer.SkipBlanks(start, (byte)'\n'), (byte)'\n', 0, fault, out _);
            var isOne = p != null && JsonLexer.SkipBlanks(p, (byte)'\n') == end;
            *end = behind;
            return isOne;
        }
    }
}
