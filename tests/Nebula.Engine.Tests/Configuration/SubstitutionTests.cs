using Nebula.Engine.Configuration;

namespace Nebula.Engine.Tests.Configuration;

public sealed class SubstitutionTests : IDisposable
{
    private readonly PipelineFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("${A}", "1")]
    [InlineData("x${A}y${A}z", "x1y1z")]
    [InlineData("${A:-d}", "1")]
    [InlineData("${NO:-d}", "d")]
    [InlineData("${NO:-}", "")]
    [InlineData("${EMPTY}", "")]
    [InlineData("${EMPTY:-d}", "d")]
    [InlineData("${NO:-a:-b}", "a:-b")]
    [InlineData("${NO:-${A}${NO2:-x}}/y", "1x/y")]
    [InlineData("${A:-${NO}}/y", "1/y")]
    [InlineData("${A:-$${NO}/y", "1/y")]
    [InlineData("${NO:-$${NO}/y", "${NO/y")]
    [InlineData("$${A}", "${A}")]
    [InlineData("$A {A} $ $$ }", "$A {A} $ $$ }")]
    [InlineData("${NESTED}", "${A}")]
    [InlineData("${secret:env://A}", "1")]
    [InlineData("{YYYY}/${A}", "{YYYY}/1")]
    public void Load_Variables_AreResolved(string written, string expected)
    {
        (_folder.Process["A"], _folder.Process["EMPTY"], _folder.Process["NESTED"]) = ("1", "", "${A}");
        Assert.Equal(expected, _folder.Load($"source: {{ type: csv, path: '{written}' }}\ntarget: {{ type: json }}").Source.Options["path"].Text);
    }

    [Theory]
    [InlineData("${NO}", "1:30 The variable 'NO' is not set. Set it with --env NO=…, in the environment or in .env, or give it a default: ${NO:-…}.")]
    [InlineData("${NO:-${NO2}}", "1:30 The variable 'NO2' is not set. Set it with --env NO2=…, in the environment or in .env, or give it a default:"
        + " ${NO2:-…}.")]
    [InlineData("a ${A", "1:30 '${' is not closed by '}'. Write $${ for the characters themselves.")]
    [InlineData("${NO:-x", "1:30 '${' is not closed by '}'. Write $${ for the characters themselves.")]
    [InlineData("${}", "1:30 '${}' is not the name of a variable. Write ${NAME}, ${NAME:-default} or ${secret:…}, and $${ for the characters themselves.")]
    [InlineData("${A b:-c}", "1:30 '${A b}' is not the name of a variable. Write ${NAME}, ${NAME:-default} or ${secret:…}, and $${ for the characters"
        + " themselves.")]
    [InlineData("${secret:kv://v/n}", "1:30 Secrets of a key vault ('kv://') are not supported yet. Use 'env://NAME' or 'file:///path'.")]
    [InlineData("${secret:env://NO}", "1:30 The variable 'NO' of this secret is not set. Set it in the environment or in .env.")]
    [InlineData("${secret:file:///no/such}", "1:30 The secret in the file '/no/such' cannot be read. The file does not exist. The folder '/no' does not exist.")]
    [InlineData("${secret:x}", "1:30 A secret is 'env://NAME' or 'file:///path'; this is 'x'.")]
    public void Load_BadVariable_SaysWhereAndWhat(string written, string problem) =>
        Assert.Equal([problem], _folder.Problems($"source: {{ type: csv, path:   '{written}' }}\ntarget: {{ type: json }}"));

    [Fact]
    public void Load_NestedWithoutEnd_StopsAtTheBound() => Assert.Contains(
        "nested more than 8 deep",
        _folder.Problems($"source: {{ type: csv, path: '{string.Concat(Enumerable.Repeat("${NO:-", 50_000))}' }}\ntarget: {{ type: json }}")[0],
        StringComparison.Ordinal);

    [Fact]
    public void Load_VariableInTwoPlaces_EarlierPlaceWins()
    {
        _folder.Write(".env", "A=dotenv\nB=dotenv\nC=dotenv\n");
        (_folder.Process["A"], _folder.Process["B"]) = ("process", "process");
        var environment = _folder.Environment with { Overrides = new Dictionary<string, string> { ["A"] = "flag" } };
        var path = _folder.Write("pipeline.yaml", "source: { type: csv, path: '${A} ${B} ${C}' }\ntarget: { type: json }");
        Assert.Equal("flag process dotenv", PipelineFile.Load(path, environment).Source.Options["path"].Text);
    }

    [Fact]
    public void DotEnv_EveryForm_IsRead()
    {
        var variables = DotEnvFile.Read("\n# c\nA=1\nexport B = two words # c\nC='x # $y'\nD=\"a\\n\\\"b\\\\ #\" # c\nE=\nF=a=b#c\r\nA=2", ".env");
        Assert.Equal(
            [("A", "2"), ("B", "two words"), ("C", "x # $y"), ("D", "a\n\"b\\ #"), ("E", ""), ("F", "a=b#c")],
            variables.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value)));
    }

    [Fact]
    public void DotEnv_BadLines_AreAllReported()
    {
        _folder.Write(".env", "OK=1\nnonsense\n1A=x\nB=\"open\nC='x' y");
        Assert.Equal(
            [".env 2 This line is not NAME=value.", ".env 3 This line is not NAME=value.",
                ".env 4 The quote that opens here is not closed, or text follows it.",
             ".env 5 The quote that opens here is not closed, or text follows it."],
            _folder.Problems("source: {}"));
    }

    [Theory]
    [InlineData("A=b=c", "A", "b=c"), InlineData("_x1=", "_x1", "")]
    public void ParseAssignment_Good_Splits(string text, string name, string value) =>
        Assert.Equal(new KeyValuePair<string, string>(name, value), ConfigEnvironment.ParseAssignment(text));

    [Theory]
    [InlineData("A"), InlineData("=x"), InlineData(""), InlineData("a b=c")]
    public void ParseAssignment_Bad_IsRefused(string text) => Assert.Throws<ConfigurationException>(() => ConfigEnvironment.ParseAssignment(text));

    [Fact]
    public void Secrets_HoweverTheyCameIn_AreRedacted()
    {
        _folder.Process["S"] = "from-env";
        var file = _folder.Write("secret.txt", "from-file\n");
        _ = _folder.Load($$"""
            connections:
              a: { type: x, client_secret: plain-text, auth: { api-key: nested-text }, tokens_file: not-secret, path: "pre${secret:env://S}post" }
            source: a
            target: { type: json, password: [listed-text], path: "${secret:file://{{file}}}" }
            defaults: { columns: { password: string, token: { name: public } } }
            streams: { a: { source_options: { sas_token: stream-text } } }
            """);
        Assert.Equal(
            "*** *** not-secret *** *** *** *** string public",
            _folder.Environment.Secrets.Redact("plain-text nested-text not-secret from-env listed-text from-file stream-text string public"));
    }

    [Fact]
    public void Problems_WithSecretInIt_ShowTheMask()
    {
        _folder.Process["S"] = "hunter22";
        Assert.Equal(
            ["3:20 'limit' must be a whole number, at least 0, or none; it is a secret.",
             "4:10 The name of a connection cannot be a secret, because names are shown.",
             "5:12 There is no key '***' here. Known are mode."],
            _folder.Problems("target: { type: json }\n\ndefaults: { limit: '${secret:env://S}' }\nsource:  '${secret:env://S}'\nstorage: { hunter22: 1 }"));
    }

    [Theory]
    [InlineData("password", true), InlineData("Client-Secret", true), InlineData("connection_string", true), InlineData("aws_secret_access_key", true)]
    [InlineData("path", false), InlineData("tokenizer", false), InlineData("secretary", false), InlineData("key", false), InlineData("password_file", false)]
    public void IsSecretKey_ByName_Decides(string key, bool expected) => Assert.Equal(expected, Secrets.IsSecretKey(key));

    [Fact]
    public void Redact_FormsOfASecret_AreAllHidden()
    {
        var secrets = new Secrets();
        secrets.Add("p@ss \"word\"");
        secrets.Add("-----BEGIN-----\nMIIabc\n-----END-----");
        secrets.Add("ab");
        secrets.Add("p@ss");
        Assert.Equal("ab *** *** *** x***y *** ***", secrets.Redact("ab p@ss \"word\" p%40ss%20%22word%22 p@ss \\u0022word\\u0022 xMIIabcy MIIabc p@ss"));
    }
}
