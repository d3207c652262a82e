using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Configuration;

public sealed class TemplateTests
{
    private static readonly SourceLocation Here = new("f", 3);

    private static readonly Dictionary<string, string> Values = new()
    {
        ["stream_name"] = "OrderItems-2024.csv",
        ["stream_table"] = "HTTPServer LogV2",
        ["part"] = "42",
        ["YYYY"] = "2024",
        ["stream_folder"] = "a😀b",
    };

    [Theory]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData("{YYYY}/{ part }", "2024/42")]
    [InlineData("part-{part:05}.csv", "part-00042.csv")]
    [InlineData("{part:01}", "42")]
    [InlineData("{{{part}}}", "{42}")]
    [InlineData("{{part}}", "{part}")]
    [InlineData("{stream_name|lower}", "orderitems-2024.csv")]
    [InlineData("{stream_name | upper | trunc(5)}", "ORDER")]
    [InlineData("{stream_name|snake}", "order_items_2024_csv")]
    [InlineData("{stream_table|snake}", "http_server_log_v2")]
    [InlineData("{part|hash8}", "73475cb4")]
    [InlineData("{stream_folder|trunc(2)}", "a")]
    [InlineData("{stream_folder|trunc(3)}", "a😀")]
    public void Render_Template_GivesText(string template, string expected) => Assert.Equal(expected, Template.Parse(template, Here).Render(Values));

    [Theory]
    [InlineData("{", "In '{' the '{' has no partner. Write '{{' for the character itself.")]
    [InlineData("a}b", "In 'a}b' the '}' has no partner. Write '}}' for the character itself.")]
    [InlineData("{part|lowr}", "There is no filter 'lowr'. Did you mean 'lower'? Known are lower, upper, snake, hash8, trunc(63).")]
    [InlineData("{part|trunc(0)}", "There is no filter 'trunc(0)'. Did you mean 'trunc(63)'? Known are lower, upper, snake, hash8, trunc(63).")]
    [InlineData("{part|trunc(99999999999)}", "There is no filter 'trunc(99999999999)'. Known are lower, upper, snake, hash8, trunc(63).")]
    [InlineData("{part:5}", "The format 'part:5' is unknown. Only {part:05} is one: the number padded with zeros to 1 to 18 digits.")]
    [InlineData("{part:0999999999}", "The format 'part:0999999999' is unknown. Only {part:05} is one: the number padded with zeros to 1 to 18 digits.")]
    [InlineData("{YYYY:05}", "The format 'YYYY:05' is unknown. Only {part:05} is one: the number padded with zeros to 1 to 18 digits.")]
    [InlineData("{incremental_value}", "The variable '{incremental_value}' is not supported yet.")]
    public void Parse_BadTemplate_SaysWhatToWrite(string template, string reason)
    {
        var error = Assert.Throws<ConfigurationException>(() => Template.Parse(template, Here));
        Assert.Equal((reason, Here), (error.Reason, error.Location));
    }

    [Fact]
    public void Render_VariableWithoutValue_ListsThoseThatHaveOne()
    {
        var error = Assert.Throws<ConfigurationException>(() =>
            Template.Parse("{stream_schema}", Here).Render(new Dictionary<string, string> { ["part"] = "1", ["YYYY"] = "2" }));
        Assert.Equal("'{stream_schema}' has no value here. These have one: {YYYY} {part}.", error.Reason);
    }

    [Fact]
    public void Variables_OfATemplate_AreListedOnce() =>
        Assert.Equal(["part", "YYYY"], Template.Parse("{part}{YYYY}{{DD}}{part:03}", Here).Variables);

    [Fact]
    public void Parse_AnyText_GivesATemplateOrAConfigurationError()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        const string alphabet = "{}|:() part trunc(9) 05 lower YYYY snake";
        for (var round = 0; round < 20_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => alphabet.Substring(random.Next(alphabet.Length - 5), random.Next(1, 5))));
            try
            {
                _ = Template.Parse(text, Here).Render(Values);
            }
            catch (ConfigurationException)
            {
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, '{text}': {error}");
            }
        }
    }
}
