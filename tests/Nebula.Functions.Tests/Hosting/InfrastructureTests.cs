using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Nebula.Functions.Hosting;

namespace Nebula.Functions.Tests.Hosting;

/// <summary>The Bicep files, as far as they can be judged without their compiler.</summary>
public sealed partial class InfrastructureTests
{
    private static readonly string[] OfTheHost =
    [
        "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId",
        "AZURE_CLIENT_ID", "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "ServiceBus__fullyQualifiedNamespace", "ServiceBus__credential", "ServiceBus__clientId",
        "AzureWebJobs.ServiceBusRunRequested.Disabled",
    ];

    private static string Folder => Path.GetFullPath(Path.Combine(ThisFolder(), "..", "..", "..", "infra", "bicep"));

    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Folder, "*.bicep*", SearchOption.AllDirectories).Select(static file => Path.GetRelativePath(Folder, file))];

    [Theory]
    [MemberData(nameof(Files))]
    public void Brackets_AndQuotes_AreBalanced(string file)
    {
        var open = new Stack<char>();
        var line = 1;
        var inText = false;
        var text = File.ReadAllText(Path.Combine(Folder, file));
        for (var i = 0; i < text.Length; i++)
        {
            line += text[i] == '\n' ? 1 : 0;
            switch (text[i])
            {
                case '\n':
                    Assert.False(inText, $"{file}, line {line - 1}: a text is not closed");
                    break;
                case '\\' when inText:
                    i++;
                    break;
                case '\'':
                    inText = !inText;
                    break;
                // an expression within a text
                case '$' when inText && text[i + 1] == '{':
                    open.Push('$');
                    inText = false;
                    i++;
                    break;
                case '/' when !inText && text[i + 1] == '/':
                    i = text.IndexOf('\n', i) - 1;
                    break;
                case '{' or '[' or '(' when !inText:
                    open.Push(text[i]);
                    break;
                case '}' or ']' or ')' when !inText:
                    Assert.True(
                        open.TryPop(out var opened) && (opened, text[i]) is ('{', '}') or ('[', ']') or ('(', ')') or ('$', '}'),
                        $"{file}, line {line}: '{text[i]}' closes nothing");
                    inText = opened == '$';
                    break;
            }
        }
        Assert.Empty(open);
        Assert.False(inText);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Parameters_AndVariables_AreUsed(string file)
    {
        if (file.EndsWith(".bicepparam", StringComparison.Ordinal))
            return;
        var text = File.ReadAllText(Path.Combine(Folder, file));
        foreach (Match declared in Declaration().Matches(text))
            Assert.True(Regex.Count(text, $@"\b{declared.Groups[1].Value}\b") > 1, $"{file}: '{declared.Groups[1].Value}' is declared and not used");
    }

    [Fact]
    public void Modules_GetTheParametersThatTheyDeclare()
    {
        var main = File.ReadAllText(Path.Combine(Folder, "main.bicep"));
        foreach (Match module in Module().Matches(main))
        {
            var declared = Parameter().Matches(File.ReadAllText(Path.Combine(Folder, module.Groups[1].Value)))
                .ToDictionary(static match => match.Groups[1].Value, static match => match.Groups[2].Value.Contains('='));
            var given = Regex.Matches(module.Groups[2].Value, @"(?m)^    (\w+):").Select(static match => match.Groups[1].Value).ToList();
            Assert.Equal(declared.Where(static parameter => !parameter.Value).Select(static parameter => parameter.Key).Order(), given.Order());
        }
        Assert.Equal(Directory.GetFiles(Path.Combine(Folder, "modules")).Length, Module().Count(main));
        var known = Parameter().Matches(main).Select(static match => match.Groups[1].Value).ToHashSet();
        Assert.All(
            Parameter().Matches(File.ReadAllText(Path.Combine(Folder, "main.sample.bicepparam"))),
            match => Assert.Contains(match.Groups[1].Value, known));
    }

    [Fact]
    public void Outputs_ThatAreRead_AreThere()
    {
        var main = File.ReadAllText(Path.Combine(Folder, "main.bicep"));
        var modules = Regex.Matches(main, @"module (\w+) '([^']+)'").ToDictionary(static match => match.Groups[1].Value, static match => match.Groups[2].Value);
        foreach (Match read in Regex.Matches(main, @"(\w+)!?\.outputs\.(\w+)"))
            Assert.Matches($@"(?m)^output {read.Groups[2].Value} ", File.ReadAllText(Path.Combine(Folder, modules[read.Groups[1].Value])));
    }

    [Fact]
    public void AppSettings_SetAndRead_AreTheSame()
    {
        var text = File.ReadAllText(Path.Combine(Folder, "modules", "functionapp.bicep"));
        var set = Setting().Matches(text).Select(static match => match.Groups[1].Value.Trim('\'')).ToHashSet();
        Assert.Equal(AppSettings.Known.Keys.Order(), set.Except(OfTheHost).Order());
        Assert.Empty(OfTheHost.Except(set));
    }

    [Fact]
    public void Settings_AreInTheGuide()
    {
        var guide = File.ReadAllText(Path.Combine(Folder, "..", "..", "docs", "guides", "azure.md"));
        Assert.Equal(AppSettings.Known.Keys.Order(), Regex.Matches(guide, @"(?m)^\| `([A-Z_]+)` \|").Select(static match => match.Groups[1].Value).Order());
    }

    [Fact]
    public void Queues_OfFunctions_AreMade()
    {
        var storage = File.ReadAllText(Path.Combine(Folder, "modules", "storage.bicep"));
        var serviceBus = File.ReadAllText(Path.Combine(Folder, "modules", "servicebus.bicep"));
        foreach (var trigger in FunctionList.All.Select(static function => function.Bindings[0]!).Where(static trigger => trigger["queueName"] is not null))
            Assert.Contains($"'{(string)trigger["queueName"]!}'", (string)trigger["type"]! == "queueTrigger" ? storage : serviceBus, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(?m)^(?:param|var) (\w+)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?m)^param (\w+)(.*)$")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"(?ms)^module \w+ '([^']+)'.*?params: \{(.*?)^  \}")]
    private static partial Regex Module();

    [GeneratedRegex(@"(?m)^  ((?:[A-Z][A-Za-z]*_[A-Za-z_]+)|'AzureWebJobs\.[A-Za-z.]+'): ")]
    private static partial Regex Setting();

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
