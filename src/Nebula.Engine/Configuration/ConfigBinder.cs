using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Checks a tree against the table of keys and gives it its canonical form: aliases replaced by the keys they stand for, short forms written out. Every
/// problem is reported, none is thrown; what is wrong is left out of the result.
/// </summary>
/// <param name="secrets">Takes the values of options that are secret by their name.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class ConfigBinder(Secrets secrets, ConfigProblems problems)
{
    private const int MaxNamesInMessage = 24;

    /// <summary>Checks a map against a section.</summary>
    /// <param name="map">The map.</param>
    /// <param name="section">The section.</param>
    public ConfigMap BindSection(ConfigMap map, ConfigKey section)
    {
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>(map.Entries.Length);
        var set = new Dictionary<string, ConfigEntry>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            if (section.Find(entry.Key) is not { } key)
                problems.Add(entry.KeyLocation, Unknown(entry.Key, section));
            else if (!key.IsSupported)
                problems.Add(entry.KeyLocation, $"'{entry.Key}' is not supported yet.");
            else if (!set.TryAdd(key.Name, entry))
                problems.Add(entry.KeyLocation, SameAs(entry, set[key.Name]));
            else if (Bind(entry.Value, key, entry.Key) is { } value)
                entries.Add(new ConfigEntry(key.Name, entry.KeyLocation, value));
        }
        foreach (var missing in section.Keys)
            if (missing.IsRequired && !set.ContainsKey(missing.Name))
                problems.Add(map.Location, $"'{missing.Name}' is missing: {missing.Expected}. {missing.Summary}");
        return new ConfigMap(entries.ToImmutable(), map.Location);
    }

    /// <summary>Checks a map of a connection: a type, and options that its connector checks later.</summary>
    /// <param name="map">The map.</param>
    public ConfigMap BindConnection(ConfigMap map)
    {
        if (!map.TryGet(ConfigKeys.ConnectionType.Name, out var type))
            problems.Add(map.Location, "A connection needs a 'type': the name of a connector.");
        else if (type.Value is not ConfigScalar { Text.Length: > 0 })
            problems.Add(type.Value.Location, $"'type' must be the name of a connector; it is {type.Value.Form}.");
        return BindOptions(map);
    }

    private ConfigNode? Bind(ConfigNode node, ConfigKey key, string written)
    {
        if (node.IsNull && key.NullIsEmpty)
            return ConfigMap.Empty(node.Location);
        if (node.IsNull && !key.IsRequired)
            return node;
        switch (key.Kind)
        {
            case ConfigKind.Section when node is ConfigScalar { IsNull: false } && key.Shorthand is { } shorthand:
                return Bind(node, shorthand, written) is { } value
                    ? new ConfigMap([new ConfigEntry(shorthand.Name, node.Location, value)], node.Location)
                    : null;
            case ConfigKind.Section when node is ConfigMap map:
                return BindSection(map, key);
            case ConfigKind.Table when node is ConfigMap map:
                return BindTable(map, key.Item!);
            case ConfigKind.Options when node is ConfigMap map:
                return BindOptions(map);
            case ConfigKind.Connection or ConfigKind.ConnectionOrName when node is ConfigMap map:
                return BindConnection(map);
            case ConfigKind.ConnectionOrName when node is ConfigScalar { IsNull: false }:
                return node;
            case ConfigKind.Selection:
                return BindSelection(node, key, written);
            case ConfigKind.Section or ConfigKind.Table or ConfigKind.Options or ConfigKind.Connection or ConfigKind.ConnectionOrName:
                return Wrong(node, key, written);
            default:
                return node is ConfigScalar scalar ? BindScalar(scalar, key, written) : Wrong(node, key, written);
        }
    }

    private ConfigMap BindTable(ConfigMap map, ConfigKey item)
    {
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>(map.Entries.Length);
        foreach (var entry in map.Entries)
            if (Bind(entry.Value, item, entry.Key) is { } value)
                entries.Add(entry with { Value = value });
        return new ConfigMap(entries.ToImmutable(), map.Location);
    }

    /// <summary>Options are the connector's to check; here they only have to be texts, lists of texts or maps of such.</summary>
    private ConfigMap BindOptions(ConfigMap map, bool isSecret = false)
    {
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>(map.Entries.Length);
        foreach (var entry in map.Entries)
        {
            var hidden = isSecret || Secrets.IsSecretKey(entry.Key);
            switch (entry.Value)
            {
                case ConfigMap inner:
                    entries.Add(entry with { Value = BindOptions(inner, hidden) });
                    break;
                case ConfigList list when list.Items.FirstOrDefault(static item => item is not ConfigScalar || item.IsNull) is { } odd:
                    problems.Add(odd.Location, $"The items of '{entry.Key}' must be texts; this is {odd.Form}.");
                    break;
                default:
                    if (hidden)
                        Hide(entry.Value);
                    entries.Add(entry);
                    break;
            }
        }
        return new ConfigMap(entries.ToImmutable(), map.Location);
    }

    private void Hide(ConfigNode value)
    {
        if (value is ConfigScalar { IsNull: false } scalar)
            secrets.Add(scalar.Text);
        else if (value is ConfigList list)
            foreach (var item in list.Items)
                Hide(item);
    }

    private ConfigNode? BindSelection(ConfigNode node, ConfigKey key, string written)
    {
        var list = node switch
        {
            ConfigList items => items,
            ConfigScalar { IsNull: false } => new ConfigList([node], node.Location),
            _ => null,
        };
        if (list is null)
            return Wrong(node, key, written);
        if (list.Items.FirstOrDefault(static item => item is not ConfigScalar || item.IsNull) is { } odd)
        {
            problems.Add(odd.Location, $"The items of '{written}' must be column names; this is {odd.Form}.");
            return null;
        }
        return Try(() => ColumnSelection.Parse(list)) ? list : null;
    }

    private ConfigScalar? BindScalar(ConfigScalar scalar, ConfigKey key, string written)
    {
        var text = scalar.Text;
        if (key.AllowsNone && text == "none")
            return scalar;
        switch (key.Kind)
        {
            case ConfigKind.Template:
                return Try(() => Template.Parse(text, scalar.Location)) ? scalar : null;
            case ConfigKind.Choice:
                return BindChoice(scalar, key, written);
            default:
                return IsOfKind(text, key) ? scalar : Wrong(scalar, key, written) as ConfigScalar;
        }
    }

    private static bool IsOfKind(string text, ConfigKey key) => key.Kind switch
    {
        ConfigKind.Flag => bool.TryParse(text, out _),
        ConfigKind.Integer => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= key.Minimum && number <= key.Maximum,
        ConfigKind.Size => Units.ParseSize(text) is >= 0,
        ConfigKind.Duration => Units.ParseDuration(text) is { } duration && duration >= TimeSpan.Zero,
        ConfigKind.ColumnType => DataType.Parse(text) is not null,
        ConfigKind.Schedule => CronSchedule.Parse(text) is not null,
        // words and URLs that other places of state have: no folder is made of them by mistake
        ConfigKind.Folder => text.Length > 0 && text != "target"
            && (!text.Contains("://", StringComparison.Ordinal) || text.StartsWith("file:///", StringComparison.Ordinal)),
        _ => text.Length > 0,
    };

    private ConfigScalar? BindChoice(ConfigScalar scalar, ConfigKey key, string written)
    {
        switch (key.Choices.FirstOrDefault(choice => choice.Matches(scalar.Text)))
        {
            case { IsSupported: true } choice:
                return scalar with { Text = choice.Name };
            case { } choice:
                problems.Add(scalar.Location, $"'{written}: {choice.Name}' is not supported yet. It can be {key.Expected}.");
                return null;
            default:
                var near = Suggestion.For(scalar.Text, key.Choices.Where(static choice => choice.IsSupported).Select(static choice => choice.Name));
                problems.Add(scalar.Location, $"{Called(scalar, written)} must be {key.Expected}; it is {scalar.Form}.{near}");
                return null;
        }
    }

    private ConfigNode? Wrong(ConfigNode node, ConfigKey key, string written)
    {
        problems.Add(node.Location, $"{Called(node, written)} must be {key.Expected}; it is {node.Form}.");
        return null;
    }

    /// <summary>A value by the flag that set it, which is all that its user knows, or by its key.</summary>
    private static string Called(ConfigNode node, string written) =>
        node.Location.Name is ['-', '-', ..] flag && !flag.Contains(' ', StringComparison.Ordinal) ? flag : ConfigScalar.Quote(written);

    private bool Try(Action parse)
    {
        try
        {
            parse();
            return true;
        }
        catch (ConfigurationException error)
        {
            problems.Add(error);
            return false;
        }
    }

    private static string SameAs(ConfigEntry entry, ConfigEntry earlier) =>
        $"'{entry.Key}' means the same as '{earlier.Key}' in line {earlier.KeyLocation.Line}; remove one of them.";

    private static string Unknown(string name, ConfigKey section)
    {
        if (ReferenceEquals(section, ConfigKeys.Pipeline) && ConfigKeys.Stream.Find(name) is not null)
            return $"'{name}' belongs to a stream: put it under 'defaults' or under a stream in 'streams'.";
        var known = section.Keys.Where(static key => key.IsSupported).SelectMany(static key => key.Aliases.Prepend(key.Name)).ToList();
        var near = Suggestion.For(name, known);
        if (near.Length == 0)
            near = $" Known are {string.Join(", ", known.Take(MaxNamesInMessage))}.";
        return $"There is no key {ConfigScalar.Quote(name)} here.{near}";
    }
}
