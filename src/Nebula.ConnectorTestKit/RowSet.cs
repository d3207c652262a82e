namespace Nebula.ConnectorTestKit;

/// <summary>Rows as texts, in any order.</summary>
internal static class RowSet
{
    /// <summary>Finds which rows two collections do not share. A row that is there twice must be there twice in both.</summary>
    public static (List<string> Missing, List<string> Surplus) Compare(IEnumerable<string?[]> expected, IEnumerable<string?[]> found)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in expected)
            counts[Render(row)] = counts.GetValueOrDefault(Render(row)) + 1;
        var surplus = new List<string>();
        foreach (var row in found)
        {
            var text = Render(row);
            if (counts.GetValueOrDefault(text) == 0)
                surplus.Add(text);
            else
                counts[text]--;
        }
        return ([.. counts.SelectMany(static count => Enumerable.Repeat(count.Key, count.Value))], surplus);
    }

    private static string Render(string?[] row) => $"({string.Join(", ", row.Select(static value => value is null ? "null" : $"'{value}'"))})";
}
