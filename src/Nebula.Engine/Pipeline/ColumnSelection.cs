using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Applies selection, renames and casts to the columns of a stream.</summary>
internal static class ColumnSelection
{
    /// <exception cref="NebulaException">A name is no column, nothing is left, or two columns would have the same name.</exception>
    public static ImmutableArray<PlannedColumn> Apply(CatalogStream stream, StreamRequest request)
    {
        var names = stream.Schema.Fields.Select(static field => field.Name).ToList();
        foreach (var name in request.Types.Keys.Concat(request.Names.Keys))
            Require(name, "columns");
        var selected = Select(request.Select);
        var columns = selected.Select(name => Plan(stream.Schema.Fields[stream.Schema.IndexOf(name)], request)).ToImmutableArray();
        if (columns.IsEmpty)
            throw NebulaException.Configuration(names.Count == 0 ? $"{stream.Name} has no columns." : $"'select' leaves no column of {stream.Name}.");
        var twice = columns.GroupBy(static column => column.Field.Name).FirstOrDefault(static group => group.Count() > 1);
        if (twice is not null)
            throw NebulaException.Configuration($"Two columns of {stream.Name} would be called \"{twice.Key}\" at the destination. Give one another name (columns: {{ {twice.Last().SourceName}: {{ name: … }} }}).");
        return columns;

        void Require(string name, string key)
        {
            if (!names.Contains(name))
                throw NebulaException.Configuration($"'{key}' names the column \"{name}\", which {stream.Name} does not have.{Suggestion.For(name, names)}");
        }

        List<string> Select(IReadOnlyList<string> wanted)
        {
            if (wanted.Count == 0)
                return names;
            var result = new List<string>();
            // only exclusions: from everything
            if (wanted.All(static item => item.StartsWith('-')))
                result.AddRange(names);
            foreach (var item in wanted)
            {
                if (item == "*")
                    result.AddRange(names.Except(result).ToList());
                else if (item.StartsWith('-') && !names.Contains(item))
                {
                    Require(item[1..], "select");
                    result.Remove(item[1..]);
                }
                else
                {
                    Require(item, "select");
                    if (!result.Contains(item))
                        result.Add(item);
                }
            }
            return result;
        }
    }

    private static PlannedColumn Plan(Field field, StreamRequest request)
    {
        var isFixed = request.Types.TryGetValue(field.Name, out var type);
        return new PlannedColumn(field.Name, new Field(request.Names.GetValueOrDefault(field.Name, field.Name), type ?? field.Type, field.Nullable)) { TypeIsFixed = isFixed };
    }
}
