using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Nebula.Functions.Tests;

/// <summary>The Bicep files, by the compiler that Azure has for them: names, types and values of every property are checked against the services' schemas.</summary>
public sealed partial class InfrastructureTests
{
    private static readonly string? Bicep = typeof(InfrastructureTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(static item => item.Key == "Bicep")?.Value;

    private static readonly string Folder = Path.Combine(Repository.Folder, "infra", "bicep");

    [BicepFact]
    public async Task Bicep_EveryFile_CompilesWithoutAWarning()
    {
        foreach (var command in (string[][])[["lint", "main.bicep"], ["lint", "main.sample.bicepparam"], ["build-params", "main.sample.bicepparam", "--stdout"]])
        {
            var (code, output, said) = await RunAsync(command);
            Assert.True(code == 0 && said.Length == 0 && (output.Length == 0 || command[0] != "lint"), $"{code}\n{said}\n{output}");
        }
    }

    [BicepFact]
    public async Task Template_HasWhatTheGuideSaysAndNoKeys()
    {
        var template = JsonNode.Parse((await RunAsync("build", "main.bicep", "--stdout")).Output)!;
        Assert.Equal(["flex", "premium"], template["parameters"]!["plan"]!["allowedValues"]!.AsArray().Select(static value => (string)value!));
        var resources = Resources(template).ToList();
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "Microsoft.Storage/storageAccounts", "Microsoft.Web/sites", "Microsoft.Web/serverfarms", "Microsoft.EventGrid/systemTopics/eventSubscriptions",
                "Microsoft.ServiceBus/namespaces/queues", "Microsoft.KeyVault/vaults", "Microsoft.ManagedIdentity/userAssignedIdentities",
                "Microsoft.Insights/components",
            },
            resources.Select(static resource => (string)resource["type"]!).ToHashSet(StringComparer.Ordinal));
        // rights are on one resource each, never on the group
        Assert.All(resources.Where(static resource => (string)resource["type"]! == "Microsoft.Authorization/roleAssignments"),
            static assignment => Assert.False(string.IsNullOrEmpty((string?)assignment["scope"])));
        Assert.DoesNotContain("listKeys", template.ToJsonString(), StringComparison.OrdinalIgnoreCase);
        // every setting that the app is given is one that the guide explains
        var guide = await File.ReadAllTextAsync(Path.Combine(Repository.Folder, "docs", "guides", "azure.md"));
        var settings = Setting().Matches(await File.ReadAllTextAsync(Path.Combine(Folder, "modules", "functionapp.bicep")));
        Assert.NotEmpty(settings);
        Assert.All(settings.Select(static setting => setting.Groups[1].Value), setting => Assert.Contains($"`{setting}`", guide, StringComparison.Ordinal));
    }

    private static IEnumerable<JsonNode> Resources(JsonNode template) => template["resources"]!.AsArray().SelectMany(static resource =>
        resource!["properties"] is JsonObject properties && properties["template"] is { } inner ? Resources(inner) : [resource]);

    private static async Task<(int Code, string Output, string Said)> RunAsync(params string[] arguments)
    {
        // packages come without the right to be executed
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Bicep!, File.GetUnixFileMode(Bicep!) | UnixFileMode.UserExecute);
        using var process = Process.Start(new ProcessStartInfo(Bicep!, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, said);
    }

    [GeneratedRegex("^  (NEBULA_[A-Z_]+):", RegexOptions.Multiline)]
    private static partial Regex Setting();

    /// <summary>A fact that needs the compiler, which there is for Linux here.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class BicepFactAttribute : FactAttribute
    {
        public BicepFactAttribute()
        {
            if (Bicep is null)
                Skip = "The Bicep compiler is only fetched on Linux, x64.";
        }
    }
}
