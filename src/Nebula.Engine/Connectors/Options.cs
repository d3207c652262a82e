using System.Globalization;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>What form the value of an option has.</summary>
public enum OptionKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number of bytes with a unit: <c>64MB</c>.</summary>
    Size,

    /// <summary>A time with a unit: <c>30s</c>.</summary>
    Duration,

    /// <summary>One of <see cref="OptionDescriptor.Choices"/>.</summary>
    Choice,

    /// <summary>A list of texts.</summary>
    TextList,
}

/// <summary>One thing that a user can set on a connector, as data: validated, listed and documented from here alone.</summary>
/// <param name="Name">The key in pipeline files, in snake_case.</param>
/// <param name="Kind">The form of its value.</param>
/// <param name="Summary">Meaning, range and effect in a sentence.</param>
/// <param name="Default">What holds when it is not set, as users would write it; null when it is detected or has no default.</param>
public sealed record OptionDescriptor(string Name, OptionKind Kind, string Summary, string? Default = null)
{
    /// <summary>The values of a <see cref="OptionKind.Choice"/>.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Least value of a <see cref="OptionKind.Size"/>, as users would write it; null for none.</summary>
    public string? Least { get; init; }

    /// <summary>Whether it must be set.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Whether its value is never printed.</summary>
    public bool IsSecret { get; init; }
}

/// <summary>One value as the user set it.</summary>
/// <param name="Items">The text of a scalar as the only item, or the items of a list.</param>
/// <param name="Location">Where it was set.</param>
public sealed record OptionValue(IReadOnlyList<string> Items, SourceLocation Location)
{
    /// <summary>The text of a scalar.</summary>
    public string Text => Items.Count == 1 ? Items[0] : string.Join(',', Items);
}

/// <summary>The options that a user set on a connector, checked against what the connector declares.</summary>
public sealed class OptionValues
{
    private readonly Dictionary<string, OptionValue> _values = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<OptionDescriptor> _descriptors;

    /// <summary>Checks values against descriptors.</summary>
    /// <param name="owner">What the options belong to, for messages: <c>source "csv"</c>.</param>
    /// <param name="descriptors">What can be set.</param>
    /// <param name="values">What was set.</param>
    /// <exception cref="NebulaException">A name is unknown, a value has the wrong form, or a required option is missing.</exception>
    public OptionValues(string owner, IReadOnlyList<OptionDescriptor> descriptors, IEnumerable<KeyValuePair<string, OptionValue>> values)
    {
        Owner = owner;
        _descriptors = descriptors;
        foreach (var (name, value) in values)
        {
            var descriptor = descriptors.FirstOrDefault(d => d.Name == name) ?? throw NebulaException.Configuration(
                $"{owner} has no option '{name}'.{Near(name, descriptors)}", value.Location);
            Check(descriptor, value);
            _values[name] = value;
        }
        foreach (var missing in descriptors.Where(d => d.IsRequired && !_values.ContainsKey(d.Name)))
            throw NebulaException.Configuration($"{owner} needs the option '{missing.Name}': {missing.Summary}");
    }

    /// <summary>What the options belong to, for messages.</summary>
    public string Owner { get; }

    /// <summary>Whether the user set an option.</summary>
    /// <param name="name">Its name.</param>
    public bool IsSet(string name) => _values.ContainsKey(name);

    /// <summary>Where an option was set; null when it was not.</summary>
    /// <param name="name">Its name.</param>
    public SourceLocation? LocationOf(string name) => _values.GetValueOrDefault(name)?.Location;

    /// <summary>The text of an option; its default when it was not set; null when it has none.</summary>
    /// <param name="name">Its name.</param>
    public string? Text(string name) => _values.TryGetValue(name, out var value) ? value.Text : Descriptor(name).Default;

    /// <summary>The items of a list; null when it was not set and has no default.</summary>
    /// <param name="name">Its name.</param>
    public IReadOnlyList<string>? List(string name) => _values.TryGetValue(name, out var value)
        ? value.Items : Descriptor(name).Default is { } text ? [text] : null;

    /// <summary>A flag; its default when it was not set; null when it has none.</summary>
    /// <param name="name">Its name.</param>
    public bool? Flag(string name) => Text(name) is { } text ? ParseFlag(text) : null;

    /// <summary>A whole number; its default when it was not set; null when it has none.</summary>
    /// <param name="name">Its name.</param>
    public long? Integer(string name) => Text(name) is { } text ? long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : null;

    /// <summary>A number of bytes; its default when it was not set; null when it has none.</summary>
    /// <param name="name">Its name.</param>
    public long? Size(string name) => Text(name) is { } text ? Units.ParseSize(text) : null;

    /// <summary>A duration; its default when it was not set; null when it has none.</summary>
    /// <param name="name">Its name.</param>
    public TimeSpan? Duration(string name) => Text(name) is { } text ? Units.ParseDuration(text) : null;

    /// <summary>What is like a name or, of one 'a.b', stands under 'a'.</summary>
    private static string Near(string name, IReadOnlyList<OptionDescriptor> descriptors)
    {
        var (near, point) = (Suggestion.For(name, descriptors.Select(static d => d.Name)), name.IndexOf('.', StringComparison.Ordinal) + 1);
        if (near.Length > 0 || point == 0)
            return near;
        var known = descriptors.Where(d => d.Name.StartsWith(name[..point], StringComparison.Ordinal)).Select(d => d.Name[point..]).ToList();
        return known.Count > 0 ? $" Under '{name[..(point - 1)]}' it takes {string.Join(", ", known)}." : "";
    }

    private OptionDescriptor Descriptor(string name) => _descriptors.First(d => d.Name == name);

    private void Check(OptionDescriptor descriptor, OptionValue value)
    {
        if (descriptor.Kind != OptionKind.TextList && value.Items.Count != 1)
            throw Wrong("one value, not a list");
        var text = value.Text;
        var expected = descriptor.Kind switch
        {
            OptionKind.Flag when ParseFlag(text) is null => "true or false",
            OptionKind.Integer when !long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => "a whole number",
            OptionKind.Size when Units.ParseSize(text) is null => "a size with a unit, such as 64MB",
            OptionKind.Size when descriptor.Least is { } least && Units.ParseSize(text) < Units.ParseSize(least) => $"{least} or more",
            OptionKind.Duration when Units.ParseDuration(text) is null => "a duration with a unit, such as 30s",
            OptionKind.Choice when !descriptor.Choices.Contains(text) => "one of " + string.Join(", ", descriptor.Choices),
            _ => null,
        };
        if (expected is not null)
            throw Wrong(expected + (descriptor.Kind == OptionKind.Choice ? Suggestion.For(text, descriptor.Choices) : ""));

        NebulaException Wrong(string form) => NebulaException.Configuration(
            $"Option '{descriptor.Name}' of {Owner} must be {form}{(descriptor.IsSecret ? "" : $"; it is '{value.Text}'")}.", value.Location);
    }

    private static bool? ParseFlag(string text) => text.ToLowerInvariant() switch { "true" => true, "false" => false, _ => null };
}
