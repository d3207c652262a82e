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
    /// <param name="capabilities">What the destination can hold: where not nested types, they are written as JSON text.</param>
    /// <exception cref="NebulaException">A name is no column, nothing is left, or two columns would have the same name.</exception>
    public static ImmutableArray<PlannedColumn> Of(CatalogStream stream, StreamRequest request, DestinationCapabilities capabilities)
    {
        var names = stream.Schema.Fields.Select(static field => field.Name).ToList();
        if (names.Count == 0 && stream.Rows == 0)
            return capabilities.AllowsNoColumns ? [] : throw new NebulaException(ErrorKind.Data,
                $"{stream.Name} has no records, and so no columns. The destination cannot hold a table without columns; a JSON file can.");
        foreach (var name in request.Types.Keys.Concat(request.Names.Keys))
            Require(name, "columns");
        if (names.Count == 0)
            throw new NebulaException(ErrorKind.Data, $"{stream.Name} has no columns: it is empty, and there is neither a header nor a record to take them "
                + "from.");
        var selected = request.Select.Apply(names);
        var columns = ImmutableArray.CreateBuilder<PlannedColumn>(selected.Length);
        var taken = new HashSet<string>(selected.Length, StringComparer.Ordinal);
        foreach (var position in selected)
        {
            var column = Plan(stream.Schema.Fields[position], request, capabilities.KeepsNesting);
            if (!taken.Add(column.Field.Name))
                throw NebulaException.Configuration($"Two columns of {stream.Name} would be called \"{column.Field.Name}\" at the destination. Give one another "
                    + $"name (columns: {{ {column.SourceName}: {{ name: … }} }}).");
            columns.Add(column);
        }
        return columns.MoveToImmutable();

        void Require(string name, string key)
        {
            if (!names.Contains(name))
                throw NebulaException.Configuration($"'{key}' names the column \"{name}\", which {stream.Name} does not have.{Suggestion.For(name, names)}");
        }
    }

    private static PlannedColumn Plan(Field field, StreamRequest request, bool keepsNesting)
    {
        var isFixed = request.Types.TryGetValue(field.Name, out var type);
        var kept = field.Type.IsNested && !keepsNesting ? DataType.Json : field.Type;
        return new PlannedColumn(field.Name, new Field(request.Names.GetValueOrDefault(field.Name, field.Name), type ?? kept, field.Nullable))
        {
            TypeIsFixed = isFixed,
        };
    }
}
