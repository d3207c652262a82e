using Nebula.Engine.Configuration;

namespace Nebula.Engine.Tests.Configuration;

/// <summary>A temporary folder with a pipeline file, cut off from the variables and files of whoever runs the tests.</summary>
internal sealed class PipelineFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("nebula-config-").FullName;

    public Dictionary<string, string> Process { get; } = [];

    public ConfigEnvironment Environment => field ??= new ConfigEnvironment
    {
        Process = Process.GetValueOrDefault,
        ConnectionsPath = Path.Combine(Root, "home", "connections.yaml"),
    };

    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public PipelineConfig Load(string yaml, params ConfigOverride[] overrides) => PipelineFile.Load(Write("pipeline.yaml", yaml), Environment, overrides);

    /// <summary>The problems of a file as <c>line:column message</c>; other places by their name.</summary>
    public IReadOnlyList<string> Problems(string yaml, params ConfigOverride[] overrides) =>
        Problems(() => Load(yaml, overrides));

    public IReadOnlyList<string> Problems(Action load)
    {
        var error = Assert.Throws<ConfigurationException>(load);
        Assert.Equal(Nebula.Engine.Diagnostics.ErrorKind.Configuration, error.Kind);
        return [.. error.Problems.Select(problem =>
        {
            var name = problem.Location.Name.StartsWith(Root, StringComparison.Ordinal) ? Path.GetRelativePath(Root, problem.Location.Name)
                : problem.Location.Name;
            var place = name == "pipeline.yaml" ? "" : name + " ";
            var at = problem.Location.Column is null ? $"{problem.Location.Line}" : $"{problem.Location.Line}:{problem.Location.Column}";
            return $"{place}{at} {problem.Message.Replace(Root, "", StringComparison.Ordinal)}";
        })];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
