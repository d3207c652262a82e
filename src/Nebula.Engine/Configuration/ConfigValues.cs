using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Configuration;

/// <summary>Typed values of a map that <see cref="ConfigBinder"/> has checked, with the table's defaults where nothing is set.</summary>
/// <param name="map">The map; null for defaults alone.</param>
internal readonly struct ConfigValues(ConfigMap? map)
{
    public ConfigValues Section(ConfigKey key) => new(map?.FindMap(key.Name));

    public string? Text(ConfigKey key)
    {
        var text = (map?.Find(key.Name) as ConfigScalar)?.Text ?? key.Default;
        return key.AllowsNone && text == "none" ? null : text;
    }

    public bool Flag(ConfigKey key) => Text(key) is { } text && bool.Parse(text);

    public long? Integer(ConfigKey key) => Text(key) is { } text ? long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : null;

    /// <summary>A number whose key has a maximum below 2^31.</summary>
    public int? Int32(ConfigKey key) => (int?)Integer(key);

    public long? Size(ConfigKey key) => Text(key) is { } text ? Units.ParseSize(text) : null;

    public TimeSpan? Duration(ConfigKey key) => Text(key) is { } text ? Units.ParseDuration(text) : null;

    public Template? Template(ConfigKey key) => map?.Find(key.Name) is ConfigScalar scalar ? Configuration.Template.Parse(scalar.Text, scalar.Location) : null;

    public ColumnSelection Selection(ConfigKey key) => map?.Find(key.Name) is ConfigList list ? ColumnSelection.Parse(list) : ColumnSelection.All;

    /// <summary>The items of a list of names.</summary>
    public ImmutableArray<string> Names(ConfigKey key) =>
        map?.Find(key.Name) is ConfigList list ? [.. list.Items.OfType<ConfigScalar>().Select(static item => item.Text)] : [];

    public DataType? Type(ConfigKey key) => Text(key) is { } text ? DataType.Parse(text) : null;

    /// <summary>Options for a connector, maps flattened to names with dots.</summary>
    public IReadOnlyDictionary<string, OptionValue> Options(ConfigKey key) => FlattenOptions(map?.FindMap(key.Name));

    /// <summary>Flattens a map of options, leaving out nulls.</summary>
    /// <param name="options">The map.</param>
    /// <param name="except">A key that is none of them.</param>
    public static Dictionary<string, OptionValue> FlattenOptions(ConfigMap? options, string? except = null)
    {
        var flat = new Dictionary<string, OptionValue>(StringComparer.Ordinal);
        if (options is not null)
            Flatten(options, "", except, flat);
        return flat;
    }

    private static void Flatten(ConfigMap options, string prefix, string? except, Dictionary<string, OptionValue> flat)
    {
        foreach (var entry in options.Entries)
            switch (entry.Value)
            {
                case ConfigMap inner:
                    Flatten(inner, prefix + entry.Key + ".", null, flat);
                    break;
                case ConfigList list:
                    flat[prefix + entry.Key] = new OptionValue([.. list.Items.Cast<ConfigScalar>().Select(static item => item.Text)], list.Location);
                    break;
                case ConfigScalar { IsNull: false } scalar when entry.Key != except:
                    flat[prefix + entry.Key] = new OptionValue([scalar.Text], scalar.Location);
                    break;
            }
    }
}
