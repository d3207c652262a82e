using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats;

/// <summary>Keeps writers from making files that are nested too deeply for readers.</summary>
internal static class NestingDepth
{
    /// <summary>Checks the columns of a file.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="most">Most levels of types in each other; a column of numbers has one.</param>
    /// <param name="format">The format, for the message.</param>
    /// <exception cref="NebulaException">A column has more levels.</exception>
    public static void Require(Schema schema, int most, string format)
    {
        foreach (var field in schema.Fields)
            if (Of(field.Type) > most)
                throw new NebulaException(ErrorKind.Schema,
                    $"The column \"{field.Name}\" is nested more than {most} levels deep, which cannot be written as {format}. Leave it out, or give it the "
                        + "type json.");
    }

    private static int Of(DataType type)
    {
        var deepest = 0;
        foreach (var field in type.Fields)
            deepest = Math.Max(deepest, Of(field.Type));
        return deepest + 1;
    }
}
