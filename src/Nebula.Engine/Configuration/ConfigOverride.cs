using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>A setting from outside the file, such as a flag. It wins over everything that the file says.</summary>
/// <param name="Path">
/// The key with dots: a setting of a run (<c>timeouts.run</c>), a setting of every stream (<c>performance.batch_size</c>, <c>limit</c>), or an option of a
/// connector (<c>source.delimiter</c>, <c>target.path</c>).
/// </param>
/// <param name="Value">The value as a file would have it.</param>
/// <param name="Origin">What the user wrote, for messages: <c>--batch-size</c>.</param>
public sealed record ConfigOverride(string Path, string Value, string Origin)
{
    /// <summary>Whether the value is a list, its items separated by commas.</summary>
    public bool IsList { get; init; }

    /// <summary>Makes one tree of all overrides; of several with one path the last one holds.</summary>
    /// <param name="overrides">The overrides.</param>
    internal static ConfigMap ToTree(IEnumerable<ConfigOverride> overrides)
    {
        var tree = ConfigMap.Nothing;
        foreach (var item in overrides)
        {
            var location = new SourceLocation(item.Origin);
            ConfigNode node = item.IsList
                ? new ConfigList([.. item.Value.Split(',', StringSplitOptions.TrimEntries).Select(text => new ConfigScalar(text, location))], location)
                : new ConfigScalar(item.Value, location);
            foreach (var key in item.Path.Split('.').Reverse())
                node = new ConfigMap([new ConfigEntry(key, location, node)], location);
            tree = tree.MergedWith((ConfigMap)node);
        }
        return tree;
    }
}
