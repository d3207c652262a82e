using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Looks for text in a column that is no JSON document.</summary>
internal static unsafe class JsonDocuments
{
    /// <summary>Whether a value is one JSON document (RFC 8259) of at most <see cref="JsonLexer.MaxDepth"/> levels, with or without blanks around it.</summary>
    /// <param name="column">A column of UTF-8 texts that is nobody else's: the byte behind the value is changed for a moment.</param>
    /// <param name="row">Which value.</param>
    /// <param name="fault">Takes what is wrong.</param>
    public static bool IsOne(Column column, int row, JsonFault fault)
    {
        fixed (byte* start = column.GetBytes(row))
            return start != null && IsOne(start, start + column.GetBytes(row).Length, fault);
    }

    /// <inheritdoc cref="IsOne(Column, int, JsonFault)"/>
    /// <param name="start">The text's first byte.</param>
    /// <param name="end">Behind its last byte; changed for a moment.</param>
    /// <param name="fault">Takes what is wrong.</param>
    public static bool IsOne(byte* start, byte* end, JsonFault fault)
    {
        var behind = *end;
        *end = 0;
        var p = JsonLexer<StringKernel128>.SkipValue(JsonLexer.SkipBlanks(start, (byte)'\n'), (byte)'\n', 0, fault, out _);
        var isOne = p != null && JsonLexer.SkipBlanks(p, (byte)'\n') == end;
        *end = behind;
        return isOne;
    }
}
