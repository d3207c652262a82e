using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>
/// Writes rows with the kernels of one vector width. An object rather than a pointer to a function: so the compiler ahead of time sees which widths there are.
/// </summary>
internal unsafe interface ICsvRowWriter
{
    /// <summary>Writes all rows, each with its line end.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="count">Number of columns.</param>
    /// <param name="rows">Number of rows.</param>
    /// <returns>Behind the last line end.</returns>
    byte* WriteRows(TextOutput output, ValueText* columns, int count, int rows);
}
