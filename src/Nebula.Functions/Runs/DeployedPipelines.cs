using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Planning;

namespace Nebula.Functions.Runs;

/// <summary>A pipeline that is part of the app.</summary>
/// <param name="Name">Its identity: the name of its file without extension.</param>
/// <param name="Path">Its file.</param>
internal sealed record DeployedPipeline(string Name, string Path)
{
    /// <summary>What the file says; null when it cannot be used.</summary>
    public PipelineConfig? Config { get; init; }

    /// <summary>Why it cannot be used; null when it can.</summary>
    public string? Problem { get; init; }
}

/// <summary>The pipelines that are part of the app: the files of one folder. One that cannot be used does not keep the others from running.</summary>
internal sealed class DeployedPipelines : IPipelineLibrary
{
    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];
    private readonly Dictionary<string, DeployedPipeline> _pipelines;

    private readonly ConfigEnvironment _environment;

    private DeployedPipelines(IEnumerable<DeployedPipeline> pipelines, ConfigEnvironment environment)
    {
        _environment = environment;
        _pipelines = pipelines.ToDictionary(static pipeline => pipeline.Name, StringComparer.Ordinal);
        All = [.. _pipelines.Values.OrderBy(static pipeline => pipeline.Name, StringComparer.Ordinal)];
    }

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<DeployedPipeline> All { get; }

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder; one that is not there has none.</param>
    /// <param name="environment">Variables.</param>
    public static DeployedPipelines Load(string folder, ConfigEnvironment environment) => new(!Directory.Exists(folder) ? [] :
        Directory.EnumerateFiles(folder)
            .Where(static file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
            .GroupBy(Path.GetFileNameWithoutExtension, StringComparer.Ordinal)
            .Select(files => Load(files.Key!, [.. files.Order(StringComparer.Ordinal)], environment)), environment);

    /// <summary>Finds a pipeline that can be used.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="NebulaException">There is none of this name, or it cannot be used.</exception>
    public DeployedPipeline Get(string name)
    {
        if (!_pipelines.TryGetValue(name, out var pipeline))
            throw NebulaException.NotFound($"There is no pipeline '{name}' in this app.{Suggestion.For(name, _pipelines.Keys)}");
        return pipeline.Problem is null ? pipeline : throw NebulaException.Configuration($"Pipeline '{name}' cannot be used: {pipeline.Problem}");
    }

    /// <inheritdoc/>
    public PipelineConfig Load(string name, IReadOnlyDictionary<string, string> variables)
    {
        var pipeline = Get(name);
        return variables.Count == 0 ? pipeline.Config! : PipelineFile.Load(pipeline.Path, _environment with { Overrides = variables });
    }

    private static DeployedPipeline Load(string name, string[] files, ConfigEnvironment environment)
    {
        var pipeline = new DeployedPipeline(name, files[0]);
        if (files.Length > 1)
            return pipeline with { Problem = $"{string.Join(" and ", files.Select(Path.GetFileName))} have the same name. Rename one of them." };
        if (!IsName(name))
            return pipeline with { Problem = "its file's name is part of the ids of runs: use letters, digits, '-' and '_', at most 100." };
        try
        {
            return pipeline with { Config = PipelineFile.Load(files[0], environment) };
        }
        catch (NebulaException e)
        {
            return pipeline with { Problem = e.Message };
        }
    }

    private static bool IsName(string name) => name.Length is > 0 and <= 100 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
