using System.Collections.Immutable;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Which columns of a stream are read, in the order written: names, <c>*</c> for all that are not named, <c>-name</c> to leave one out. With exclusions
/// alone, all others are read.
/// </summary>
public sealed class ColumnSelection
{
    private const string Rest = "*";

    private readonly ImmutableArray<Item> _items;

    private ColumnSelection(ImmutableArray<Item> items) => _items = items;

    /// <summary>Every column in the order of the source.</summary>
    public static ColumnSelection All { get; } = new([]);

    /// <summary>Whether every column is read in the order of the source.</summary>
    public bool IsAll => _items.All(static item => item.Name == Rest);

    /// <summary>Applies the selection.</summary>
    /// <param name="columns">The names of the source's columns.</param>
    /// <returns>The zero-based positions of the columns that are read, in the order written.</returns>
    /// <exception cref="ConfigurationException">Names are no columns of the source, or nothing is left; all problems are listed.</exception>
    public ImmutableArray<int> Apply(IReadOnlyList<string> columns)
    {
        if (IsAll)
            return [.. Enumerable.Range(0, columns.Count)];
        var positions = new Dictionary<string, int>(columns.Count, StringComparer.Ordinal);
        for (var i = 0; i < columns.Count; i++)
            positions.TryAdd(columns[i], i);
        var problems = _items
            .Where(item => item.Name != Rest && !positions.ContainsKey(item.Name))
            .Select(item => new ConfigProblem(item.Location, $"The stream has no column {ConfigScalar.Quote(item.Name)}.{Suggestion.For(item.Name, columns)}"))
            .ToList();
        if (problems.Count > 0)
            throw new ConfigurationException(problems);

        var named = _items.Where(static item => item.Name != Rest).Select(item => positions[item.Name]).ToHashSet();
        var rest = Enumerable.Range(0, columns.Count).Where(position => !named.Contains(position));
        var selected = ImmutableArray.CreateBuilder<int>(columns.Count);
        if (_items.All(static item => item.IsExcluded))
            selected.AddRange(rest);
        else
            foreach (var item in _items.Where(static item => !item.IsExcluded))
                if (item.Name == Rest)
                    selected.AddRange(rest);
                else
                    selected.Add(positions[item.Name]);
        return selected.Count > 0 || columns.Count == 0
            ? selected.ToImmutable()
            : throw new ConfigurationException(_items[0].Location, "'select' leaves no column of the stream.");
    }

    /// <summary>Reads a selection.</summary>
    /// <param name="list">Scalars.</param>
    /// <exception cref="ConfigurationException">A name is empty or stands twice.</exception>
    internal static ColumnSelection Parse(ConfigList list)
    {
        var items = ImmutableArray.CreateBuilder<Item>(list.Items.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var scalar in list.Items.Cast<ConfigScalar>())
        {
            var isExcluded = scalar.Text.StartsWith('-');
            var name = isExcluded ? scalar.Text[1..] : scalar.Text;
            if (name.Length == 0 || (isExcluded && name == Rest))
                throw new ConfigurationException(scalar.Location, $"{scalar.Form} names no column.");
            if (!seen.Add(name))
                throw new ConfigurationException(scalar.Location, $"'select' names {ConfigScalar.Quote(name)} twice.");
            items.Add(new Item(name, isExcluded, scalar.Location));
        }
        return items.Count > 0
            ? new ColumnSelection(items.MoveToImmutable())
            : throw new ConfigurationException(list.Location, "'select' is empty. Write [\"*\"] for all columns.");
    }

    private sealed record Item(string Name, bool IsExcluded, SourceLocation Location);
}
