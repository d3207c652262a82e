using System.Text;
using Nebula.Engine.Configuration;

namespace Nebula.Engine.Tests.Configuration;

public sealed class ConfigTreeReaderTests
{
    private static ConfigMap Read(string text) => ConfigTreeReader.Read(text, "f.yaml");

    private static string Problem(string text)
    {
        var problem = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(text)).Problems);
        return problem.ToString();
    }

    [Fact]
    public void Read_AnchorsAndMergeKeys_ShareValues()
    {
        var root = Read("base: &b { x: 1, y: 2 }\nown: { <<: *b, y: 3 }\nmany: { <<: [*b, { z: 9 }] }\nlist: [*b]\n");
        var own = root.FindMap("own")!;
        Assert.Equal(("1", "3"), (((ConfigScalar)own.Find("x")!).Text, ((ConfigScalar)own.Find("y")!).Text));
        Assert.Equal(1, own.Find("x")!.Location.Line);
        Assert.Equal(["x", "y", "z"], root.FindMap("many")!.Entries.Select(entry => entry.Key).Order());
        Assert.Same(root.Find("base"), ((ConfigList)root.Find("list")!).Items[0]);
    }

    [Theory]
    [InlineData("a: [1, 2", "f.yaml, line 2, column 1: The list that starts in line 1 is not closed by ']'.")]
    [InlineData("a: {x: 1", "f.yaml, line 2, column 1: The map that starts in line 1 is not closed by '}'.")]
    [InlineData("a: [1, 2]\nb: [x: 1]", "f.yaml, line 2, column 5: A map in a list needs braces: [{ key: value }].")]
    [InlineData("a: {x: 'y' z: 1}", "f.yaml, line 1, column 12: The map that starts in line 1 needs ',' or '}' here.")]
    [InlineData("a:\n  - 1\n  x: 2", "f.yaml, line 3, column 3: An item of the list is expected here: '-' with the indentation of the others.")]
    [InlineData("a: 1\n- b", "f.yaml, line 2, column 1: A key is expected here: 'key: value' with the indentation of the others.")]
    [InlineData("? \n: 1", "f.yaml, line 1, column 1: A key must be a text.")]
    [InlineData(": 1", "f.yaml, line 1, column 1: A key must be a text.")]
    [InlineData("a: 1\na: 2", "f.yaml, line 2, column 1: The key 'a' is already set in line 1; remove one of them.")]
    [InlineData("a: b: c", "f.yaml, line 1, column 5: This is not YAML: ")]
    [InlineData("a: \"\\q\"", "f.yaml, line 1, column 4: This is not YAML: ")]
    [InlineData("a: { b: c, d: e\nf: [\n", "f.yaml, line 2, column 1: This is not YAML: look for a bracket or quote that is not closed")]
    [InlineData("a: 1\n---\nb: 2", "f.yaml, line 2, column 1: A configuration is one document; remove the '---' that starts a second one.")]
    [InlineData("a: *x", "f.yaml, line 1, column 4: No anchor 'x' stands before this alias.")]
    [InlineData("a: &x [*x]", "f.yaml, line 1, column 8: No anchor 'x' stands before this alias.")]
    [InlineData("a: !!python/object:os.system x", "f.yaml, line 1, column 4: Tags ('!…') have no meaning here; remove it.")]
    [InlineData("[a]: 1", "f.yaml, line 1, column 1: A key must be a text.")]
    [InlineData("a: { <<: 1 }", "f.yaml, line 1, column 10: '<<' takes a map or a list of maps; this is '1'.")]
    public void Read_BadText_SaysWhereAndWhat(string text, string message) => Assert.StartsWith(message, Problem(text), StringComparison.Ordinal);

    [Theory]
    [InlineData(""), InlineData("# only a comment"), InlineData("---"), InlineData("null"), InlineData("{}"), InlineData("%YAML 1.2\n---\n...\n")]
    public void Read_NothingInIt_GivesAnEmptyMap(string text) => Assert.Empty(Read(text).Entries);

    [Fact]
    public void Read_AliasesThatMultiply_StopAtTheBound()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 20; i++)
            text.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Assert.Contains("more than 200000 values", Problem(text.ToString()), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_DeepNesting_StopsAtTheBound()
    {
        Assert.Contains("nested more than 64 deep", Problem("a: " + new string('[', 100_000)), StringComparison.Ordinal);
        Assert.Contains("nested more than 64 deep", Problem(string.Concat(Enumerable.Range(0, 100).Select(i => new string(' ', i) + "a:\n"))),
            StringComparison.Ordinal);
        var chain = new StringBuilder($"a0: &a0 {new string('[', 20)}{new string(']', 20)}\n");
        for (var i = 1; i < 10; i++)
            chain.Append($"a{i}: &a{i} {new string('[', 20)}*a{i - 1}{new string(']', 20)}\n");
        Assert.Contains("nested more than 64 deep", Problem(chain.ToString()), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LongUnknownTexts_KeepMessagesShort() =>
        Assert.True(Problem($"a: *{new string('x', 500_000)}").Length < 300);

    [Fact]
    public void Read_MutatedFiles_AgreesWithTheLibrarysParserOrRefuses()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        string[] seeds =
        [
            """
            version: 1
            source: &s { type: csv, path: "in/\u00e9\x41{YYYY}.csv", 'q': '''x''', e: , "j":1 }
            list: [a, -b, "*", [], {}, *s, | ]
            text: |-
              line 1
               line 2
            folded: >+2
              x
            """,
            """
            --- # c
            a:
            - 1
            -
            - - x
              - y: 1
                z:
            - k: &k v
            ? b
            : - 2
            ? c
            d: *k
            ...
            """,
            "{\"a\":{\"b\":[1,2.5,null,true,{\"c\":\"d\"}],\"e\":\"\\ud83d\\ude00\"}}",
        ];
        const string alphabet = "{}[]:,&*!|>'\"%@`#-?\t\n \\u\\U0abF0123456789~<";
        var (same, refused) = (0, 0);
        for (var round = 0; round < 6000; round++)
        {
            var good = seeds[round % seeds.Length];
            var text = new StringBuilder(random.Next(2) == 0 ? good : good[..random.Next(good.Length + 1)]);
            for (var edit = random.Next(4); edit > 0 && text.Length > 0; edit--)
                if (random.Next(3) == 0)
                    text.Remove(random.Next(text.Length), 1);
                else
                    text.Insert(random.Next(text.Length), alphabet[random.Next(alphabet.Length)]);
            try
            {
                var ours = Render(Read(text.ToString()));
                same++;
                Assert.True(LibraryParser.Render(text.ToString()) == ours,
                    $"seed {seed}, round {round}: {ours} but {LibraryParser.Render(text.ToString())}\n{text}");
            }
            catch (ConfigurationException)
            {
                refused++;
            }
            catch (Exception error) when (error is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, round {round}: {error}\n{text}");
            }
        }
        Assert.True(same > 1000 && refused > 1000, $"{same} the same, {refused} refused");
    }

    [Fact]
    public void ReadText_TooLargeOrNotUtf8_IsRefused()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [(byte)'a', (byte)':', 0xFF]);
            Assert.Contains("byte 2: The file is not UTF-8", Assert.Throws<ConfigurationException>(() => ConfigTextFile.Read(path)).Message,
                StringComparison.Ordinal);
            Assert.Contains("larger than 2 B", Assert.Throws<ConfigurationException>(() => ConfigTextFile.Read(path, 2)).Message, StringComparison.Ordinal);
            File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, (byte)'a']);
            Assert.Equal("a", ConfigTextFile.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("{ a: { x: 1, y: 2 }, l: [1, 2], s: 1, k: 1 }", "{ a: { y: 3, z: 4 }, l: [3], s: { t: 1 }, k: null }", "{a:{x:1,y:3,z:4},l:[3],s:{t:1}}")]
    [InlineData("{ a: 1 }", "{ a: { b: null, c: 1 } }", "{a:{c:1}}")]
    [InlineData("{}", "{ a: null, b: ~ }", "{}")]
    [InlineData("{ a: { b: { c: 1, d: 2 } } }", "{ a: { b: { c: null } } }", "{a:{b:{d:2}}}")]
    [InlineData("{ a: 1 }", "{ a: 'null' }", "{a:null}")]
    public void MergedWith_TwoLayers_MergesMapsReplacesListsRemovesNulls(string below, string above, string expected) =>
        Assert.Equal(expected, Render(Read(below).MergedWith(Read(above))));

    private static string Render(ConfigNode node) => node switch
    {
        ConfigMap map => "{" + string.Join(',', map.Entries.Select(entry => $"{entry.Key}:{Render(entry.Value)}")) + "}",
        ConfigList list => "[" + string.Join(',', list.Items.Select(Render)) + "]",
        _ => ((ConfigScalar)node).Text,
    };

    /// <summary>Renders a document from the events of the library's own parser.</summary>
    private sealed class LibraryParser(string text)
    {
        private readonly Dictionary<string, string> _anchors = [];
        private readonly YamlDotNet.Core.Parser _parser = new(new StringReader(text));

        public static string Render(string text)
        {
            var parser = new LibraryParser(text);
            parser.Next();
            if (parser.Next() is not YamlDotNet.Core.Events.DocumentStart)
                return "{}";
            var root = parser.Node(parser.Next());
            return root is "" or "~" or "null" ? "{}" : root;
        }

        private YamlDotNet.Core.Events.ParsingEvent Next()
        {
            try
            {
                return _parser.MoveNext() ? _parser.Current! : throw new InvalidDataException("the end");
            }
            catch (YamlDotNet.Core.YamlException error)
            {
                throw new InvalidDataException($"the library refuses: {error.Message}");
            }
        }

        private string Node(YamlDotNet.Core.Events.ParsingEvent head)
        {
            if (head is YamlDotNet.Core.Events.AnchorAlias alias)
                return _anchors[alias.Value.Value];
            var items = new List<string>();
            string rendered;
            switch (head)
            {
                case YamlDotNet.Core.Events.Scalar scalar:
                    rendered = scalar.Value;
                    break;
                case YamlDotNet.Core.Events.SequenceStart:
                    while (Next() is var item and not YamlDotNet.Core.Events.SequenceEnd)
                        items.Add(Node(item));
                    rendered = "[" + string.Join(',', items) + "]";
                    break;
                default:
                    while (Next() is var key and not YamlDotNet.Core.Events.MappingEnd)
                        items.Add($"{Node(key)}:{Node(Next())}");
                    rendered = "{" + string.Join(',', items) + "}";
                    break;
            }
            if (head is YamlDotNet.Core.Events.NodeEvent { Anchor.IsEmpty: false } named)
                _anchors[named.Anchor.Value] = rendered;
            return rendered;
        }
    }
}
