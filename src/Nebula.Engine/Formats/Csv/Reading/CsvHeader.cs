using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>The names of columns, from the first record or without one.</summary>
internal static class CsvHeader
{
    /// <summary>The texts of the current record's fields; a field that is quoted wrongly has none.</summary>
    public static ImmutableArray<string> Read(ref CsvRecords records)
    {
        var names = ImmutableArray.CreateBuilder<string>(records.Fields.Count);
        for (var i = 0; i < records.Fields.Count; i++)
            names.Add(records.Unquoted(i) is { } bytes ? Encoding.UTF8.GetString(bytes) : "");
        return names.MoveToImmutable();
    }

    /// <summary>The names of columns that have none: <c>column0</c>, <c>column1</c>, ...</summary>
    public static ImmutableArray<string> Generate(int count) => [.. Enumerable.Range(0, count).Select(ByPosition)];

    /// <summary>Columns without a name are called by their position, and a name that occurs again gets a number.</summary>
    public static ImmutableArray<string> MakeUnique(ImmutableArray<string> names)
    {
        var written = new HashSet<string>(names, StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var result = ImmutableArray.CreateBuilder<string>(names.Length);
        for (var i = 0; i < names.Length; i++)
        {
            var wanted = names[i].Length == 0 ? ByPosition(i) : names[i];
            var name = wanted;
            // a made-up name must not be one that another column has in the file
            while ((!ReferenceEquals(name, names[i]) && written.Contains(name)) || !taken.Add(name))
            {
                var number = numbers.GetValueOrDefault(wanted) + 1;
                numbers[wanted] = number;
                name = string.Create(CultureInfo.InvariantCulture, $"{wanted}_{number}");
            }
            result.Add(name);
        }
        return result.MoveToImmutable();
    }

    private static string ByPosition(int position) => string.Create(CultureInfo.InvariantCulture, $"column{position}");
}
