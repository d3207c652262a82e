using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>
/// Finds the range that a row is in, by SQL that goes over the table once however many ranges there are: the bounds are divided into blocks, and a row finds
/// its block and its place in it by halving.
/// </summary>
internal sealed class KeyLocator
{
    private const string Block = "b";
    private readonly KeyForm _key;
    private readonly List<string> _bounds = [];
    private readonly List<int> _rangeOf = [-1];
    private readonly string? _between;
    private readonly string _values;
    private readonly string _blockOf;

    /// <param name="key">The form of the keys.</param>
    /// <param name="ranges">The ranges in their order; they do not overlap.</param>
    public KeyLocator(KeyForm key, IReadOnlyList<KeyRange> ranges)
    {
        _key = key;
        for (var i = 0; i < ranges.Count; i++)
        {
            if (ranges[i].From is { } from && (_bounds.Count == 0 || _bounds[^1] != from))
                Add(from);
            _rangeOf[^1] = i;
            if (ranges[i].To is { } to)
                Add(to);
        }
        _between = key.Between(ranges[0].From, ranges[^1].To);
        (_values, _blockOf) = Blocks();

        void Add(string bound)
        {
            _bounds.Add(bound);
            _rangeOf.Add(-1);
        }
    }

    /// <summary>The place of a row that <see cref="Join"/> has found, as SQL.</summary>
    public string Place => $"{Block}.base + {PlaceInBlock}";

    /// <summary>What stands behind the table to find the places of its rows, as SQL.</summary>
    public string Join => $" JOIN {_values} ON {Block}.n = {_blockOf}";

    /// <summary>The condition of the rows that are in a range, behind <see cref="Join"/>.</summary>
    public string IsFound => And($"{Block}.active[{PlaceInBlock} + 1]");

    /// <summary>The condition of the rows that are in a range, on its own.</summary>
    public string Condition => And($"EXISTS (SELECT FROM {_values} WHERE {Block}.n = {_blockOf} AND {Block}.active[{PlaceInBlock} + 1])");

    private string PlaceInBlock => $"width_bucket({_key.Value}, {Block}.bounds)";

    /// <summary>Finds the range of a place.</summary>
    /// <param name="place">The place.</param>
    /// <returns>Its position.</returns>
    public int RangeOf(int place) => _rangeOf[place];

    private string And(string condition) => _between is null ? condition : $"{_between} AND {condition}";

    private (string Values, string BlockOf) Blocks()
    {
        // block 0 is what lies in front of the first bound; the others begin with a bound each
        var size = Math.Max(1, (int)Math.Ceiling(Math.Sqrt(_bounds.Count)));
        var values = new StringBuilder("(VALUES ");
        AddBlock(values, 0, 0, []);
        for (var (n, first) = (1, 0); first < _bounds.Count; n++, first += size)
            AddBlock(values, n, first + 1, _bounds.GetRange(first + 1, Math.Min(size, _bounds.Count - first) - 1));
        var tops = _bounds.Where((_, i) => i % size == 0);
        return (values.Append(") AS b (n, base, bounds, active)").ToString(), $"width_bucket({_key.Value}, {_key.Array(tops)})");
    }

    private void AddBlock(StringBuilder values, int number, int place, List<string> bounds)
    {
        var active = Enumerable.Range(place, bounds.Count + 1).Select(one => _rangeOf[one] >= 0 ? 't' : 'f').ToArray();
        if (number > 0 && !active.Contains('t'))
            return;
        values.Append(number > 0 ? ", " : "").Append(
            CultureInfo.InvariantCulture, $"({number}, {place}, {_key.Array(bounds)}, '{{{string.Join(',', active)}}}'::bool[])");
    }
}
