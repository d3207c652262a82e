using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Applies selection, renames and casts to the columns of a stream.</summary>
internal static class PlannedColumns
{
    /// <summary>Plans the columns.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="request">What the user asked of it.</param>
    /// <param name="keepsNesting">Whether the destination holds lists, structs and maps; where not, they are written as JSON text.</param>
    /// <exception cref="NebulaException">A name is no column, nothing is left, or two columns would have the same name.</exception>
    public static ImmutableArray<PlannedColumn> Of(CatalogStream stream, StreamRequest request, bool keepsNesting = true)
    {
        var names = stream.Schema.Fields.Select(static field => field.Name).ToList();
        foreach (var name in request.Types.Keys.Concat(request.Names.Keys))
            Require(name, "columns");
        if (names.Count == 0)
            throw new NebulaException(ErrorKind.Data, $"{stream.Name} has no columns: there is no record in it to take them from.");
        var columns = request.Select.Apply(names).Select(position => Plan(stream.Schema.Fields[position], request, keepsNesting)).ToImmutableArray();
        var twice = columns.GroupBy(static column => column.Field.Name).FirstOrDefault(static group => group.Count() > 1);
        if (twice is not null)
            throw NebulaException.Configuration($"Two columns of {stream.Name} would be called \"{twice.Key}\" at the destination. Give one another name (columns: {{ {twice.Last().SourceName}: {{ name: … }} }}).");
        return columns;

        void Require(string name, string key)
        {
            if (!names.Contains(name))
                throw NebulaException.Configuration($"'{key}' names the column \"{name}\", which {stream.Name} does not have.{Suggestion.For(name, names)}");
        }
    }

    private static PlannedColumn Plan(Field field, StreamRequest request, bool keepsNesting)
    {
        var isFixed = request.Types.TryGetValue(field.Name, out var type);
        return new PlannedColumn(field.Name, new Field(request.Names.GetValueOrDefault(field.Name, field.Name), type ?? (field.Type.IsNested && !keepsNesting ? DataType.Json : field.Type), field.Nullable)) { TypeIsFixed = isFixed };
    }
}
