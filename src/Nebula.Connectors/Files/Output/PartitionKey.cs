using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files.Output;

/// <summary>What of a column's values decides about the partition.</summary>
internal enum PartitionTransform
{
    /// <summary>The value itself; the column is then not in the files.</summary>
    Identity,

    /// <summary>The year: <c>2024</c>.</summary>
    Year,

    /// <summary>The month: <c>2024-01</c>.</summary>
    Month,

    /// <summary>The day: <c>2024-01-31</c>.</summary>
    Day,

    /// <summary>The hour: <c>2024-01-31-23</c>.</summary>
    Hour,
}

/// <summary>One item of <c>partition_by</c>: a column, or a part of a column of dates or timestamps.</summary>
/// <param name="Column">Position of the column.</param>
/// <param name="Transform">What of it counts.</param>
/// <param name="Name">The key in the names of folders: <c>country</c>, <c>created_at_day</c>.</param>
internal sealed record PartitionKey(int Column, PartitionTransform Transform, string Name)
{
    /// <summary>Reads the option.</summary>
    /// <param name="items">Its items; null or empty for none.</param>
    /// <param name="schema">The columns.</param>
    /// <param name="options">Where the option stands.</param>
    /// <exception cref="NebulaException">An item names no column, or a column cannot be partitioned by.</exception>
    public static IReadOnlyList<PartitionKey> Parse(IReadOnlyList<string>? items, Schema schema, OptionValues options)
    {
        var keys = (items ?? []).Select(item => Parse(item.Trim(), schema, options)).ToList();
        if (keys.GroupBy(static key => key.Name).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            throw Wrong(options, $"names '{twice.Key}' twice");
        if (keys.Count > 0 && keys.Count(static key => key.Transform == PartitionTransform.Identity) == schema.Fields.Length)
            throw Wrong(options, "takes all columns: their values are in the names of folders, and nothing would be left for the files");
        return keys;
    }

    private static PartitionKey Parse(string item, Schema schema, OptionValues options)
    {
        // a column may have parentheses in its name
        var open = schema.IndexOf(item) >= 0 ? -1 : item.IndexOf('(', StringComparison.Ordinal);
        var transform = PartitionTransform.Identity;
        var name = item;
        if (open > 0 && item.EndsWith(')'))
        {
            if (!Enum.TryParse(item[..open].Trim(), ignoreCase: true, out transform) || !Enum.IsDefined(transform) || int.TryParse(item[..open], out _))
                throw Wrong(options, $"has '{item}': known are a column itself, and year, month, day and hour of one, as in day(created_at)");
            name = item[(open + 1)..^1].Trim();
        }
        var column = schema.IndexOf(name);
        if (column < 0)
            throw Wrong(options, $"names the column '{name}', which is not there.{Suggestion.For(name, schema.Fields.Select(static field => field.Name))}");
        var type = schema.Fields[column].Type;
        if (transform == PartitionTransform.Identity ? type.IsNested || type.Kind is TypeKind.Binary or TypeKind.Json or TypeKind.Float32 or TypeKind.Float64
            : !(type.Kind == TypeKind.Timestamp || (type.Kind == TypeKind.Date && transform != PartitionTransform.Hour)))
            throw Wrong(options, $"has '{item}', but the column is {type}");
        return new PartitionKey(column, transform, transform == PartitionTransform.Identity ? name : $"{name}_{transform.ToString().ToLowerInvariant()}");
    }

    private static NebulaException Wrong(OptionValues options, string what) =>
        NebulaException.Configuration($"Option 'partition_by' of {options.Owner} {what}", options.LocationOf("partition_by"));
}
