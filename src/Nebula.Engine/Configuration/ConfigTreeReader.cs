using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Diagnostics;
using YamlDotNet.Core;
using YamlDotNet.Core.Tokens;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Reads YAML 1.2, and with it JSON, into nodes that know their place. Hostile input (deep nesting, aliases that multiply) meets a bound before it costs
/// anything.
/// </summary>
/// <remarks>
/// A parser of its own over the library's tokens, following the grammar of the specification's chapters 7 and 8: the library's parser compiles regular
/// expressions when it is first touched, which costs a short run more than all the rest of reading its configuration.
/// </remarks>
internal sealed class ConfigTreeReader
{
    private const int MaxDepth = 64;
    private const int MaxWeight = 200_000;
    private const string MergeKey = "<<";

    private readonly string _name;
    private readonly Scanner _scanner;
    private readonly Dictionary<string, ConfigNode> _anchors = new(StringComparer.Ordinal);
    private Token? _next;
    private Mark _end;
    private int _weight;

    private ConfigTreeReader(string text, string name)
    {
        _name = name;
        _scanner = new Scanner(new StringReader(text), skipComments: true);
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
    public static ConfigMap ReadFile(string path) => Read(ConfigTextFile.Read(path), path);

    private ConfigMap ReadDocument()
    {
        var start = new SourceLocation(_name, 1);
        Advance();
        if (_next is StreamStart)
            Advance();
        while (_next is VersionDirective or DocumentEnd)
            Advance();
        if (_next is DocumentStart)
            Advance();
        var root = _next is StreamEnd or DocumentEnd or null ? null : ReadNode(0);
        while (_next is DocumentEnd)
            Advance();
        if (_next is DocumentStart)
            throw Wrong("A configuration is one document; remove the '---' that starts a second one.");
        if (_next is not (StreamEnd or null))
            throw Wrong("This does not continue what stands before it. Check the indentation.");
        return root switch
        {
            ConfigMap map => map,
            null or { IsNull: true } => ConfigMap.Empty(start),
            _ => throw new ConfigurationException(root.Location, $"A configuration is a map of keys, such as 'source: …'; this is {root.Form}."),
        };
    }

    private void Advance()
    {
        if (_next is not null)
            _end = _next.End;
        try
        {
            _next = _scanner.MoveNext() ? _scanner.Current : null;
        }
        catch (YamlException error)
        {
            throw new ConfigurationException(At(error.Start), $"This is not YAML: {Sentence(error.Message)}");
        }
        catch (Exception error) when (error
            is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The library lets some malformed brackets, escapes and directives through to the runtime, whose words say nothing about the file.
            throw new ConfigurationException(At(_scanner.CurrentPosition),
                "This is not YAML: look for a bracket or quote that is not closed, or an escape that is none, here and in the lines before.");
        }
        switch (_next)
        {
            case Error error:
                throw Wrong($"This is not YAML: {Sentence(error.Value)}");
            case Tag or TagDirective:
                throw Wrong("Tags ('!…') have no meaning here; remove it.");
        }
    }

    /// <summary>Reads a node, which has to be there.</summary>
    /// <param name="depth">How many nodes it is in.</param>
    /// <param name="allowsIndentless">Whether a list may start here without more indentation: as the value of a key of a block.</param>
    private ConfigNode ReadNode(int depth, bool allowsIndentless = false)
    {
        if (depth > MaxDepth)
            throw TooDeep();
        if (_next is AnchorAlias alias)
            return ReadAlias(alias.Value.Value, depth);
        string? anchor = null;
        if (_next is Anchor named)
        {
            anchor = named.Value.Value;
            Advance();
        }
        ConfigNode node = _next switch
        {
            Scalar scalar => ReadScalar(scalar),
            FlowSequenceStart => ReadFlowList(depth),
            FlowMappingStart => ReadFlowMap(depth),
            BlockSequenceStart => ReadBlockList(depth),
            BlockEntry when allowsIndentless => ReadIndentlessList(depth),
            BlockMappingStart => ReadBlockMap(depth),
            _ when anchor is not null => Nothing(),
            _ => throw Wrong("A value is expected here."),
        };
        // An anchor counts from its end, so that a value can never contain itself.
        if (anchor is not null)
            _anchors[anchor] = node;
        return node;
    }

    private ConfigNode ReadAlias(string anchor, int depth)
    {
        if (!_anchors.TryGetValue(anchor, out var shared))
            throw Wrong($"No anchor {ConfigScalar.Quote(anchor)} stands before this alias.{Suggestion.For(anchor, _anchors.Keys)}");
        if (depth + shared.Depth > MaxDepth)
            throw TooDeep();
        Count(shared.Weight);
        Advance();
        return shared;
    }

    private ConfigScalar ReadScalar(Scalar scalar)
    {
        Count(1);
        var node = new ConfigScalar(scalar.Value, At(scalar.Start)) { IsPlain = scalar.Style == ScalarStyle.Plain };
        Advance();
        return node;
    }

    /// <summary>The value that is not there, behind what asked for it: plain and empty.</summary>
    private ConfigScalar Nothing()
    {
        Count(1);
        return new ConfigScalar("", At(_end)) { IsPlain = true };
    }

    private ConfigList ReadBlockList(int depth)
    {
        var start = Open();
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        while (_next is BlockEntry)
        {
            Advance();
            items.Add(_next is BlockEntry or BlockEnd ? Nothing() : ReadNode(depth + 1));
        }
        Close(_next is BlockEnd, "An item of the list is expected here: '-' with the indentation of the others.");
        return new ConfigList(items.ToImmutable(), start);
    }

    private ConfigList ReadIndentlessList(int depth)
    {
        var start = At(_next!.Start);
        Count(1);
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        while (_next is BlockEntry)
        {
            Advance();
            items.Add(_next is BlockEntry or Key or Value or BlockEnd ? Nothing() : ReadNode(depth + 1));
        }
        return new ConfigList(items.ToImmutable(), start);
    }

    private ConfigList ReadFlowList(int depth)
    {
        var start = Open();
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        while (_next is not (FlowSequenceEnd or StreamEnd or null))
        {
            if (_next is Key or Value)
                throw Wrong("A map in a list needs braces: [{ key: value }].");
            items.Add(ReadNode(depth + 1));
            if (_next is FlowEntry)
                Advance();
            else if (_next is not (FlowSequenceEnd or StreamEnd))
                throw Wrong($"The list that starts in line {start.Line} needs ',' or ']' here.");
        }
        Close(_next is FlowSequenceEnd, $"The list that starts in line {start.Line} is not closed by ']'.");
        return new ConfigList(items.ToImmutable(), start);
    }

    private ConfigMap ReadBlockMap(int depth)
    {
        var map = new MapBuilder(Open());
        while (_next is Key)
        {
            Advance();
            var key = ReadKey();
            var hasValue = _next is Value;
            if (hasValue)
                Advance();
            var value = !hasValue || _next is Key or Value or BlockEnd ? Nothing() : ReadNode(depth + 1, allowsIndentless: true);
            map.Add(key.Value, key.Style == ScalarStyle.Plain, At(key.Start), value);
        }
        Close(_next is BlockEnd, "A key is expected here: 'key: value' with the indentation of the others.");
        return map.Build();
    }

    private ConfigMap ReadFlowMap(int depth)
    {
        var map = new MapBuilder(Open());
        while (_next is not (FlowMappingEnd or StreamEnd or null))
        {
            if (_next is Key)
                Advance();
            var key = ReadKey();
            var hasValue = _next is Value;
            if (hasValue)
                Advance();
            var value = !hasValue || _next is FlowEntry or FlowMappingEnd ? Nothing() : ReadNode(depth + 1);
            map.Add(key.Value, key.Style == ScalarStyle.Plain, At(key.Start), value);
            if (_next is FlowEntry)
                Advance();
            else if (_next is not (FlowMappingEnd or StreamEnd))
                throw Wrong($"The map that starts in line {map.Location.Line} needs ',' or '}}' here.");
        }
        Close(_next is FlowMappingEnd, $"The map that starts in line {map.Location.Line} is not closed by '}}'.");
        return map.Build();
    }

    private Scalar ReadKey()
    {
        if (_next is not Scalar key || (key.Value.Length == 0 && key.Style == ScalarStyle.Plain))
            throw Wrong("A key must be a text.");
        Advance();
        return key;
    }

    private SourceLocation Open()
    {
        Count(1);
        var start = At(_next!.Start);
        Advance();
        return start;
    }

    private void Close(bool isClosed, string problem)
    {
        if (!isClosed)
            throw Wrong(problem);
        Advance();
    }

    private void Count(int weight)
    {
        _weight += weight;
        if (_weight > MaxWeight)
            throw Wrong($"The file has more than {MaxWeight} values, those repeated by aliases included.");
    }

    private ConfigurationException TooDeep() => Wrong($"Values are nested more than {MaxDepth} deep.");

    private ConfigurationException Wrong(string message) => new(At(_next?.Start ?? _scanner.CurrentPosition), message);

    private SourceLocation At(Mark mark) => new(_name, mark.Line, mark.Column.ToString(CultureInfo.InvariantCulture));

    private static string Sentence(string message) => message.TrimEnd().EndsWith('.') ? message : message + ".";

    /// <summary>Collects the entries of a map, refuses a key that is there already, and resolves <c>&lt;&lt;</c>.</summary>
    private sealed class MapBuilder(SourceLocation location)
    {
        private readonly ImmutableArray<ConfigEntry>.Builder _entries = ImmutableArray.CreateBuilder<ConfigEntry>();
        private readonly Dictionary<string, ConfigEntry> _byKey = new(StringComparer.Ordinal);
        private ConfigNode? _bases;

        public SourceLocation Location => location;

        public void Add(string key, bool isPlain, SourceLocation at, ConfigNode value)
        {
            if (_byKey.TryGetValue(key, out var earlier))
                throw new ConfigurationException(
                    at, $"The key {ConfigScalar.Quote(key)} is already set in line {earlier.KeyLocation.Line}; remove one of them.");
            var entry = new ConfigEntry(key, at, value);
            _byKey.Add(key, entry);
            if (isPlain && key == MergeKey)
                _bases = value;
            else
                _entries.Add(entry);
        }

        /// <summary>Makes the map. Its own keys win over inherited ones, as YAML's merge key says; values are not merged.</summary>
        public ConfigMap Build()
        {
            if (_bases is not null)
                foreach (var inherited in _bases is ConfigList list ? list.Items : [_bases])
                {
                    if (inherited is not ConfigMap from)
                        throw new ConfigurationException(inherited.Location, $"'<<' takes a map or a list of maps; this is {inherited.Form}.");
                    foreach (var entry in from.Entries)
                        if (_byKey.TryAdd(entry.Key, entry))
                            _entries.Add(entry);
                }
            return new ConfigMap(_entries.ToImmutable(), location);
        }
    }
}
