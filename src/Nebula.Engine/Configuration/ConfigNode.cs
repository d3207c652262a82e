using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>A node of a configuration file. Immutable, so that an alias can share what its anchor names.</summary>
/// <param name="Location">Where the node starts.</param>
internal abstract record ConfigNode(SourceLocation Location)
{
    /// <summary>Nodes in this tree, shared ones counted each time they are reached: the work that a walk costs.</summary>
    public abstract int Weight { get; }

    /// <summary>Levels of nodes in this tree: 1 for a scalar.</summary>
    public abstract int Depth { get; }

    /// <summary>What the node is, for messages.</summary>
    public abstract string Form { get; }

    /// <summary>Whether the node is an unquoted <c>null</c>, <c>~</c> or nothing at all.</summary>
    public virtual bool IsNull => false;
}

/// <summary>A text. What it means (number, flag, size) is decided by the key that it is the value of, never by its looks.</summary>
/// <param name="Text">The text without quotes and with escapes resolved.</param>
/// <param name="Location">Where it starts.</param>
internal sealed record ConfigScalar(string Text, SourceLocation Location) : ConfigNode(Location)
{
    /// <summary>Whether it stood without quotes, so that <c>null</c> means nothing rather than the word.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Whether any of it came from <c>${secret:…}</c>.</summary>
    public bool IsSecret { get; init; }

    /// <inheritdoc/>
    public override int Weight => 1;

    /// <inheritdoc/>
    public override int Depth => 1;

    /// <inheritdoc/>
    public override string Form => IsNull ? "nothing" : IsSecret ? "a secret" : Quote(Text);

    /// <inheritdoc/>
    public override bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>Renders a text of the file for a message: quoted, in one line, cut when it is long.</summary>
    /// <param name="text">The text.</param>
    public static string Quote(string text)
    {
        const int limit = 60;
        var shown = text.Length <= limit ? text : string.Concat(text.AsSpan(0, limit), "…");
        var line = shown.ToCharArray();
        for (var i = 0; i < line.Length; i++)
            if (char.IsControl(line[i]))
                line[i] = ' ';
        return $"'{new string(line)}'";
    }
}

/// <summary>A list.</summary>
/// <param name="Items">The items.</param>
/// <param name="Location">Where it starts.</param>
internal sealed record ConfigList(ImmutableArray<ConfigNode> Items, SourceLocation Location) : ConfigNode(Location)
{
    /// <inheritdoc/>
    public override int Weight { get; } = WeightOf(Items);

    /// <inheritdoc/>
    public override int Depth { get; } = DepthOf(Items);

    /// <inheritdoc/>
    public override string Form => "a list";

    private static int WeightOf(ImmutableArray<ConfigNode> items)
    {
        var weight = 1;
        foreach (var item in items)
            weight += item.Weight;
        return weight;
    }

    private static int DepthOf(ImmutableArray<ConfigNode> items)
    {
        var depth = 0;
        foreach (var item in items)
            depth = Math.Max(depth, item.Depth);
        return depth + 1;
    }
}

// A class although it is small: collections of the framework over classes come compiled, those over our structs would be compiled at every start.
/// <summary>One key of a map and its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="KeyLocation">Where the key stands.</param>
/// <param name="Value">The value.</param>
internal sealed record ConfigEntry(string Key, SourceLocation KeyLocation, ConfigNode Value);

/// <summary>A map with unique keys in the order of the file.</summary>
internal sealed record ConfigMap : ConfigNode
{
    // Below this a scan beats an index; nearly all maps are below it.
    private const int IndexedFrom = 16;

    private readonly Dictionary<string, int>? _index;

    /// <summary>Makes a map.</summary>
    /// <param name="entries">Its entries; no key twice.</param>
    /// <param name="location">Where it starts.</param>
    public ConfigMap(ImmutableArray<ConfigEntry> entries, SourceLocation location) : base(location)
    {
        Entries = entries;
        Weight = 1;
        Depth = 1;
        foreach (var entry in entries)
        {
            Weight += entry.Value.Weight;
            Depth = Math.Max(Depth, entry.Value.Depth + 1);
        }
        if (entries.Length < IndexedFrom)
            return;
        _index = new Dictionary<string, int>(entries.Length, StringComparer.Ordinal);
        for (var i = 0; i < entries.Length; i++)
            _index.Add(entries[i].Key, i);
    }

    /// <summary>A map without entries that stands nowhere.</summary>
    public static ConfigMap Nothing { get; } = Empty(default);

    /// <summary>The entries in order.</summary>
    public ImmutableArray<ConfigEntry> Entries { get; }

    /// <inheritdoc/>
    public override int Weight { get; }

    /// <inheritdoc/>
    public override int Depth { get; }

    /// <inheritdoc/>
    public override string Form => "a map";

    /// <summary>Makes a map without entries.</summary>
    /// <param name="location">Where it would stand.</param>
    public static ConfigMap Empty(SourceLocation location) => new([], location);

    /// <summary>Finds an entry.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="entry">The entry.</param>
    public bool TryGet(string key, [NotNullWhen(true)] out ConfigEntry? entry)
    {
        var found = -1;
        if (_index is not null)
            found = _index.GetValueOrDefault(key, -1);
        else
            for (var i = 0; i < Entries.Length && found < 0; i++)
                if (Entries[i].Key == key)
                    found = i;
        entry = found < 0 ? null : Entries[found];
        return found >= 0;
    }

    /// <summary>Finds the value of a key; null when the key is missing or its value is null.</summary>
    /// <param name="key">The key.</param>
    public ConfigNode? Find(string key) => TryGet(key, out var entry) && !entry.Value.IsNull ? entry.Value : null;

    /// <summary>Finds the map under a key; null when there is none.</summary>
    /// <param name="key">The key.</param>
    public ConfigMap? FindMap(string key) => Find(key) as ConfigMap;

    /// <summary>
    /// Lays a map over this one: maps merge key by key, lists and scalars replace, a null removes. Every value keeps the location of the layer it came from.
    /// </summary>
    /// <param name="over">The upper layer.</param>
    public ConfigMap MergedWith(ConfigMap over)
    {
        var merged = ImmutableArray.CreateBuilder<ConfigEntry>(Entries.Length + over.Entries.Length);
        foreach (var below in Entries)
            if (!over.TryGet(below.Key, out var above))
                merged.Add(below);
            else if (!above.Value.IsNull)
                merged.Add(above with { Value = Merge(below.Value, above.Value) });
        foreach (var above in over.Entries)
            if (!above.Value.IsNull && !TryGet(above.Key, out _))
                merged.Add(above with { Value = WithoutNulls(above.Value) });
        return new ConfigMap(merged.ToImmutable(), over.Location);
    }

    private static ConfigNode Merge(ConfigNode below, ConfigNode above) =>
        below is ConfigMap lower && above is ConfigMap upper ? lower.MergedWith(upper) : WithoutNulls(above);

    private static ConfigNode WithoutNulls(ConfigNode node) => node is ConfigMap map ? Empty(map.Location).MergedWith(map) : node;
}
