using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>
/// Writes rows with the kernels of one vector width. An object rather than a pointer to a function: so the compiler ahead of time sees which widths there are.
/// </summary>
internal unsafe interface IJsonRowWriter
{
    /// <summary>Writes all rows, each followed by two bytes at most.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="columns">The cursors of the columns.</param>
    /// <param name="count">Number of columns.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="separator">What follows a row, the first byte lowest.</param>
    /// <param name="separatorLength">1 or 2.</param>
    /// <param name="omitNulls">Whether keys of nulls are left out.</param>
    /// <returns>Behind the last separator.</returns>
    byte* WriteRows(TextOutput output, JsonCursor* columns, int count, int rows, ushort separator, int separatorLength, bool omitNulls);

    /// <summary>Writes the values of one column, one behind the other. Nulls take no bytes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="column">The cursor of the column.</param>
    /// <param name="rows">Number of values.</param>
    /// <param name="offsets">Takes where each value ends, behind a 0.</param>
    /// <returns>Behind the last value.</returns>
    byte* WriteValues(TextOutput output, JsonCursor* column, int rows, Span<int> offsets);
}
