using System.Globalization;

namespace Nebula.Engine.Configuration;

/// <summary>What form the value of a key has.</summary>
internal enum ConfigKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>A <see cref="Configuration.Template"/>.</summary>
    Template,

    /// <summary>A type of <see cref="Schemas.DataType.Parse"/>.</summary>
    ColumnType,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>A whole number between <see cref="ConfigKey.Minimum"/> and <see cref="ConfigKey.Maximum"/>.</summary>
    Integer,

    /// <summary>A number of bytes with a unit.</summary>
    Size,

    /// <summary>A time with a unit.</summary>
    Duration,

    /// <summary>The path of a folder of this machine.</summary>
    Folder,

    /// <summary>A <see cref="CronSchedule"/>.</summary>
    Schedule,

    /// <summary>One of <see cref="ConfigKey.Choices"/>.</summary>
    Choice,

    /// <summary>A <see cref="ColumnSelection"/>.</summary>
    Selection,

    /// <summary>A map with the keys of <see cref="ConfigKey.Keys"/>.</summary>
    Section,

    /// <summary>A map from names that the user chooses to values of the form of <see cref="ConfigKey.Item"/>.</summary>
    Table,

    /// <summary>A map that a connector checks.</summary>
    Options,

    /// <summary>A map with <c>type</c> and whatever that connector takes.</summary>
    Connection,

    /// <summary>The name of a connection, or a <see cref="Connection"/>.</summary>
    ConnectionOrName,
}

/// <summary>A value of a <see cref="ConfigKind.Choice"/>.</summary>
/// <param name="Name">The value.</param>
/// <param name="Aliases">What other tools call it.</param>
internal sealed record ConfigChoice(string Name, params string[] Aliases)
{
    /// <summary>Whether it works; what does not is refused by name.</summary>
    public bool IsSupported { get; init; } = true;

    /// <summary>Whether a text means this value: letters and digits count, case and what separates words do not.</summary>
    /// <param name="text">The text.</param>
    public bool Matches(string text) => IsSame(text, Name) || Aliases.Any(alias => IsSame(text, alias));

    private static bool IsSame(ReadOnlySpan<char> text, ReadOnlySpan<char> name)
    {
        while (true)
        {
            text = text.TrimStart(" _-–|+");
            name = name.TrimStart("-_");
            if (text.IsEmpty || name.IsEmpty)
                return text.IsEmpty && name.IsEmpty;
            if (char.ToLowerInvariant(text[0]) != name[0])
                return false;
            text = text[1..];
            name = name[1..];
        }
    }
}

/// <summary>One key of a configuration, as data: reading, checking, explaining and the JSON Schema all follow from it.</summary>
/// <param name="Name">The key.</param>
/// <param name="Kind">The form of its value.</param>
/// <param name="Summary">Meaning and effect in a sentence.</param>
internal sealed record ConfigKey(string Name, ConfigKind Kind, string Summary)
{
    /// <summary>What holds when it is not set, as users would write it; null when it is decided at run time or there is nothing to hold.</summary>
    public string? Default { get; init; }

    /// <summary>Further names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The values of a <see cref="ConfigKind.Choice"/>.</summary>
    public IReadOnlyList<ConfigChoice> Choices { get; init; } = [];

    /// <summary>The keys of a <see cref="ConfigKind.Section"/>.</summary>
    public IReadOnlyList<ConfigKey> Keys { get; init; } = [];

    /// <summary>The form of each value of a <see cref="ConfigKind.Table"/>.</summary>
    public ConfigKey? Item { get; init; }

    /// <summary>The key of a <see cref="ConfigKind.Section"/> that a bare scalar sets.</summary>
    public ConfigKey? Shorthand { get; init; }

    /// <summary>Least value of an <see cref="ConfigKind.Integer"/>.</summary>
    public long Minimum { get; init; }

    /// <summary>Greatest value of an <see cref="ConfigKind.Integer"/>.</summary>
    public long Maximum { get; init; } = long.MaxValue;

    /// <summary>Whether <c>none</c> takes a limit away.</summary>
    public bool AllowsNone { get; init; }

    /// <summary>Whether it must be set.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Whether a null is an empty map instead of the removal of a default.</summary>
    public bool NullIsEmpty { get; init; }

    /// <summary>Whether it works; what does not is refused by name, never ignored.</summary>
    public bool IsSupported { get; init; } = true;

    /// <summary>What its value must be, for messages and the schema.</summary>
    public string Expected => Kind switch
    {
        ConfigKind.Flag => "true or false",
        ConfigKind.Integer when Minimum == Maximum => Minimum.ToString(CultureInfo.InvariantCulture),
        ConfigKind.Integer when Maximum == long.MaxValue => $"a whole number, at least {Minimum}",
        ConfigKind.Integer => $"a whole number from {Minimum} to {Maximum}",
        ConfigKind.Size => "a size with a unit, such as 64MB",
        ConfigKind.Duration => "a duration with a unit, such as 30s",
        ConfigKind.Folder => "the path of a folder, or none; state in targets and object stores is not supported yet",
        ConfigKind.Schedule => "a schedule of six fields, second to day of the week, such as 0 */5 * * * *",
        ConfigKind.Choice => "one of " + string.Join(", ", Choices.Where(static choice => choice.IsSupported).Select(static choice => choice.Name)),
        ConfigKind.Selection => "a list of column names",
        ConfigKind.ColumnType => "a type such as string, int64, decimal(18,2), date or timestamp",
        ConfigKind.Section when Shorthand is not null => $"a map, or {Shorthand.Expected}",
        ConfigKind.Section or ConfigKind.Table or ConfigKind.Options => "a map",
        ConfigKind.Connection => "a map with a 'type'",
        ConfigKind.ConnectionOrName => "the name of a connection, or a map with a 'type'",
        _ => "a text",
    } + (AllowsNone ? ", or none" : "");

    /// <summary>Makes a key that is known but does not work.</summary>
    /// <param name="name">The key.</param>
    public static ConfigKey NotYet(string name) => new(name, ConfigKind.Text, "Not supported yet.") { IsSupported = false };

    /// <summary>Finds a key of a section by name or alias; null when there is none.</summary>
    /// <param name="name">The name.</param>
    public ConfigKey? Find(string name)
    {
        foreach (var key in Keys)
            if (key.Name == name || key.Aliases.Contains(name))
                return key;
        return null;
    }
}
