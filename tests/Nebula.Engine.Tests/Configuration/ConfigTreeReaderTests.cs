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
    [InlineData("a: [1, 2", "f.yaml, line 2, column 1: This is not YAML: ")]
    [InlineData("a: b: c", "f.yaml, line 1, column 5: This is not YAML: ")]
    [InlineData("a: \"\\q\"", "f.yaml, line 1, column 4: This is not YAML: ")]
    [InlineData("a: 1\n---\nb: 2", "f.yaml, line 2, column 1: A configuration is one document; remove the '---' that starts a second one.")]
    [InlineData("a: *x", "f.yaml, line 1, column 4: No anchor 'x' stands before this alias.")]
    [InlineData("a: &x [*x]", "f.yaml, line 1, column 8: No anchor 'x' stands before this alias.")]
    [InlineData("a: !!python/object:os.system x", "f.yaml, line 1, column 4: Tags such as 'tag:yaml.org,2002:python/object:os.system' have no meaning here; remove it.")]
    [InlineData("[a]: 1", "f.yaml, line 1, column 1: A key must be a text.")]
    [InlineData("a: { <<: 1 }", "f.yaml, line 1, column 10: '<<' takes a map or a list of maps; this is '1'.")]
    public void Read_BadText_SaysWhereAndWhat(string text, string message) => Assert.StartsWith(message, Problem(text), StringComparison.Ordinal);

    [Theory]
    [InlineData(""), InlineData("# only a comment"), InlineData("---"), InlineData("null"), InlineData("{}")]
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
        Assert.Contains("nested more than 64 deep", Problem(string.Concat(Enumerable.Range(0, 100).Select(i => new string(' ', i) + "a:\n"))), StringComparison.Ordinal);
        var chain = new StringBuilder($"a0: &a0 {new string('[', 20)}{new string(']', 20)}\n");
        for (var i = 1; i < 10; i++)
            chain.Append($"a{i}: &a{i} {new string('[', 20)}*a{i - 1}{new string(']', 20)}\n");
        Assert.Contains("nested more than 64 deep", Problem(chain.ToString()), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LongUnknownTexts_KeepMessagesShort() =>
        Assert.True(Problem($"a: *{new string('x', 500_000)}").Length < 300);

    [Fact]
    public void Read_MutatedFiles_NeverThrowAnythingElse()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var good = """
            version: 1
            source: &s { type: csv, path: "in/\u00e9\x41{YYYY}.csv", 'q': '''x''', <<: *z }
            list: [a, -b, "*", ? k : v, !!str x, | ]
            text: |-
              line 1
               line 2
            folded: >+2
              x
            %TAG ! tag:x,2000:
            --- # c
            ...
            """;
        const string alphabet = "{}[]:,&*!|>'\"%@`#-?\t\n \\u\\U0abF0123456789~<";
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder(good[..random.Next(good.Length + 1)]);
            for (var edit = random.Next(6); edit >= 0 && text.Length > 0; edit--)
                if (random.Next(3) == 0)
                    text.Remove(random.Next(text.Length), 1);
                else
                    text.Insert(random.Next(text.Length), alphabet[random.Next(alphabet.Length)]);
            try
            {
                _ = Read(text.ToString());
            }
            catch (ConfigurationException)
            {
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}: {error}\n{text}");
            }
        }
    }

    [Fact]
    public void ReadText_TooLargeOrNotUtf8_IsRefused()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [(byte)'a', (byte)':', 0xFF]);
            Assert.Contains("byte 2: The file is not UTF-8", Assert.Throws<ConfigurationException>(() => ConfigTreeReader.ReadText(path)).Message, StringComparison.Ordinal);
            Assert.Contains("larger than 2 B", Assert.Throws<ConfigurationException>(() => ConfigTreeReader.ReadText(path, 2)).Message, StringComparison.Ordinal);
            File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, (byte)'a']);
            Assert.Equal("a", ConfigTreeReader.ReadText(path));
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
}
