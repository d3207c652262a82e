using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Nebula.Engine.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Reads YAML 1.2, and with it JSON, into nodes that know their place. Works on the parser's events: no reflection, and hostile input (deep nesting, aliases that
/// multiply, endless documents) meets a bound before it costs anything.
/// </summary>
internal sealed class ConfigTreeReader
{
    /// <summary>Greatest size of a file, in bytes.</summary>
    public const int MaxFileSize = 4 << 20;

    private const int MaxDepth = 64;
    private const int MaxWeight = 200_000;
    private const string MergeKey = "<<";

    private readonly string _name;
    private readonly Parser _parser;
    private readonly Dictionary<string, ConfigNode> _anchors = new(StringComparer.Ordinal);
    private int _weight;

    private ConfigTreeReader(string text, string name)
    {
        _name = name;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>Reads the one document of a text.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="name">The file as the user named it.</param>
    /// <returns>The root; an empty map for an empty document.</returns>
    /// <exception cref="ConfigurationException">The text is not YAML, has more than one document, or its root is not a map.</exception>
    public static ConfigMap Read(string text, string name) => new ConfigTreeReader(text, name).ReadDocument();

    /// <summary>Reads the one document of a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ConfigurationException">The file cannot be read, or as for <see cref="Read"/>.</exception>
    public static ConfigMap ReadFile(string path) => Read(ReadText(path), path);

    /// <summary>Reads a small text file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxSize">Greatest size, in bytes.</param>
    /// <exception cref="ConfigurationException">The file is missing, unreadable, too large or not UTF-8.</exception>
    public static string ReadText(string path, int maxSize = MaxFileSize)
    {
        try
        {
            using var file = File.OpenRead(path);
            // The length of a pipe or device is not known, so the bytes themselves are counted.
            var bytes = new byte[Math.Min(file.CanSeek ? Math.Max(file.Length, 0) : maxSize, maxSize) + 1];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > maxSize)
                throw new ConfigurationException(new SourceLocation(path), $"The file is larger than {Units.FormatSize(maxSize)}, which no configuration needs.");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.AsSpan(0, count)).TrimStart('\uFEFF');
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigurationException(new SourceLocation(path), "The file does not exist.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(new SourceLocation(path), $"The file cannot be read: {error.Message}");
        }
        catch (DecoderFallbackException error)
        {
            throw new ConfigurationException(new SourceLocation(path, ByteOffset: error.Index), "The file is not UTF-8. Save it as UTF-8.");
        }
    }

    private ConfigMap ReadDocument()
    {
        var start = new SourceLocation(_name, 1);
        _ = Next();
        if (Next() is not DocumentStart)
            return ConfigMap.Empty(start);
        var root = ReadNode(Next(), 0);
        _ = Next();
        if (Next() is DocumentStart second)
            throw Wrong(second, "A configuration is one document; remove the '---' that starts a second one.");
        return root switch
        {
            ConfigMap map => map,
            { IsNull: true } => ConfigMap.Empty(start),
            _ => throw new ConfigurationException(root.Location, $"A configuration is a map of keys; this is {root.Form}."),
        };
    }

    private ParsingEvent Next()
    {
        try
        {
            return _parser.MoveNext() && _parser.Current is { } current
                ? current
                : throw new ConfigurationException(new SourceLocation(_name), "The file ends in the middle of a value.");
        }
        catch (YamlException error)
        {
            throw new ConfigurationException(At(error.Start), $"This is not YAML: {Sentence(error.Message)}");
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The library lets some malformed escapes and directives through to the runtime.
            var at = _parser.Current is { } last ? At(last.End) : new SourceLocation(_name);
            throw new ConfigurationException(at, $"This is not YAML: {Sentence(error.Message)}");
        }
    }

    private ConfigNode ReadNode(ParsingEvent first, int depth)
    {
        if (depth > MaxDepth)
            throw TooDeep(first);
        if (first is AnchorAlias alias)
            return ReadAlias(alias, depth);
        if (first is not NodeEvent head)
            throw Wrong(first, "A value is missing here.");
        if (!head.Tag.IsEmpty)
            throw Wrong(first, $"Tags such as {ConfigScalar.Quote(head.Tag.Value)} have no meaning here; remove it.");

        ConfigNode node = head switch
        {
            Scalar scalar => Count(1, first, new ConfigScalar(scalar.Value, At(scalar.Start)) { IsPlain = scalar.Style == ScalarStyle.Plain }),
            SequenceStart => ReadList(first, depth),
            _ => ReadMap(first, depth),
        };
        // An anchor counts from its end, so that a value can never contain itself.
        if (!head.Anchor.IsEmpty)
            _anchors[head.Anchor.Value] = node;
        return node;
    }

    private ConfigNode ReadAlias(AnchorAlias alias, int depth)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var shared))
            throw Wrong(alias, $"No anchor {ConfigScalar.Quote(alias.Value.Value)} stands before this alias.{Suggestion.For(alias.Value.Value, _anchors.Keys)}");
        return depth + shared.Depth > MaxDepth ? throw TooDeep(alias) : Count(shared.Weight, alias, shared);
    }

    private ConfigList ReadList(ParsingEvent first, int depth)
    {
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        while (Next() is var next && next is not SequenceEnd)
            items.Add(ReadNode(next, depth + 1));
        return Count(1, first, new ConfigList(items.ToImmutable(), At(first.Start)));
    }

    private ConfigMap ReadMap(ParsingEvent first, int depth)
    {
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>();
        var seen = new Dictionary<string, SourceLocation>(StringComparer.Ordinal);
        ConfigNode? merged = null;
        while (Next() is var next && next is not MappingEnd)
        {
            if (next is not Scalar key || (key.Value.Length == 0 && key.Style == ScalarStyle.Plain))
                throw Wrong(next, "A key must be a text.");
            var at = At(key.Start);
            if (!seen.TryAdd(key.Value, at))
                throw new ConfigurationException(at, $"The key {ConfigScalar.Quote(key.Value)} is already set in line {seen[key.Value].Line}; remove one of them.");
            var value = ReadNode(Next(), depth + 1);
            if (key.Value == MergeKey && key.Style == ScalarStyle.Plain)
                merged = value;
            else
                entries.Add(new ConfigEntry(key.Value, at, value));
        }
        var map = new ConfigMap(entries.ToImmutable(), At(first.Start));
        return Count(1, first, merged is null ? map : Inherit(map, merged));
    }

    /// <summary>Resolves <c>&lt;&lt;: *base</c>: keys of the map itself win over inherited ones, as YAML's merge key says; values are not merged.</summary>
    private static ConfigMap Inherit(ConfigMap map, ConfigNode bases)
    {
        var entries = map.Entries.ToBuilder();
        var seen = entries.Select(static entry => entry.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var inherited in bases is ConfigList list ? list.Items : [bases])
        {
            if (inherited is not ConfigMap from)
                throw new ConfigurationException(inherited.Location, $"'<<' takes a map or a list of maps; this is {inherited.Form}.");
            entries.AddRange(from.Entries.Where(entry => seen.Add(entry.Key)));
        }
        return new ConfigMap(entries.ToImmutable(), map.Location);
    }

    private TNode Count<TNode>(int weight, ParsingEvent at, TNode node) where TNode : ConfigNode
    {
        _weight += weight;
        return _weight <= MaxWeight ? node : throw Wrong(at, $"The file has more than {MaxWeight} values, those repeated by aliases included.");
    }

    private ConfigurationException TooDeep(ParsingEvent at) => Wrong(at, $"Values are nested more than {MaxDepth} deep.");

    private ConfigurationException Wrong(ParsingEvent at, string message) => new(At(at.Start), message);

    private SourceLocation At(Mark mark) => new(_name, mark.Line, mark.Column.ToString(CultureInfo.InvariantCulture));

    private static string Sentence(string message) => message.TrimEnd().EndsWith('.') ? message : message + ".";
}
