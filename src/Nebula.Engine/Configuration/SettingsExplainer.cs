namespace Nebula.Engine.Configuration;

/// <summary>Lists the settings of a checked map with their origins, in the order of the table of keys.</summary>
internal static class SettingsExplainer
{
    private const string Undecided = "(automatic)";

    /// <summary>Lists the settings of a section.</summary>
    /// <param name="map">The map.</param>
    /// <param name="section">The section it belongs to.</param>
    public static IReadOnlyList<EffectiveSetting> Explain(ConfigMap map, ConfigKey section)
    {
        var settings = new List<EffectiveSetting>();
        AddSection(map, section, "", settings);
        return settings;
    }

    private static void AddSection(ConfigMap? map, ConfigKey section, string prefix, List<EffectiveSetting> settings)
    {
        foreach (var key in section.Keys.Where(static key => key.IsSupported))
        {
            var path = prefix + key.Name;
            var value = map?.Find(key.Name);
            if (key.Kind == ConfigKind.Section)
                AddSection(value as ConfigMap, key, path + ".", settings);
            else if (value is not null)
                AddValue(value, path, Secrets.IsSecretKey(key.Name), settings);
            else if (key.Kind is not (ConfigKind.Options or ConfigKind.Table))
                settings.Add(new EffectiveSetting(path, key.Default ?? Undecided, null));
        }
    }

    private static void AddValue(ConfigNode value, string path, bool isSecret, List<EffectiveSetting> settings)
    {
        switch (value)
        {
            case ConfigMap map:
                foreach (var entry in map.Entries)
                    AddValue(entry.Value, $"{path}.{entry.Key}", isSecret || IsSecretOption(path, entry.Key), settings);
                break;
            case ConfigList list:
                var items = list.Items.Select(item => Show((ConfigScalar)item, isSecret));
                settings.Add(new EffectiveSetting(path, $"[{string.Join(", ", items)}]", list.Location));
                break;
            case ConfigScalar { IsNull: false } scalar:
                settings.Add(new EffectiveSetting(path, Show(scalar, isSecret), scalar.Location));
                break;
        }
    }

    // The name of a column says nothing about its settings: a column 'password' has a type like any other.
    private static bool IsSecretOption(string path, string key) =>
        !path.StartsWith(ConfigKeys.Columns.Name, StringComparison.Ordinal) && Secrets.IsSecretKey(key);

    private static string Show(ConfigScalar scalar, bool isSecret) => isSecret || scalar.IsSecret ? Secrets.Mask : scalar.Text;
}
