using Nebula.Engine.Configuration;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Running;

/// <summary>What is remembered of a pipeline: in a folder, checkpoints and the journals of its runs.</summary>
internal sealed class PipelineState
{
    /// <summary>The folder beside a pipeline file that has its state when the file does not say otherwise.</summary>
    public const string DefaultFolder = ".nebula";

    private PipelineState(string folder, string pipeline)
    {
        Folder = folder;
        Pipeline = pipeline;
        Store = new LocalStateStore(Path.Combine(folder, "state"));
        RunsFolder = Path.Combine(folder, "runs");
        Runs = new LocalRuns(RunsFolder);
        InstanceId = StateKeys.Segment(pipeline);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The pipeline's name.</summary>
    public string Pipeline { get; }

    /// <summary>Checkpoints, plans and manifests.</summary>
    public IStateStore Store { get; }

    /// <summary>The folder of journals.</summary>
    public string RunsFolder { get; }

    /// <summary>Runs of all pipelines with the same folder.</summary>
    public LocalRuns Runs { get; }

    /// <summary>The pipeline's orchestration: one run at a time.</summary>
    public string InstanceId { get; }

    /// <summary>The state of a pipeline; null when it is to have none.</summary>
    /// <param name="pipeline">The pipeline.</param>
    public static PipelineState? Of(PipelineConfig pipeline)
    {
        var beside = Path.GetDirectoryName(Path.GetFullPath(pipeline.Location.Name)) ?? ".";
        return pipeline.Settings.StateLocation switch
        {
            "" => null,
            null => new PipelineState(Path.Combine(beside, DefaultFolder), pipeline.Name),
            var folder => new PipelineState(Path.GetFullPath(folder, beside), pipeline.Name),
        };
    }

    /// <summary>The state of whatever pipelines a folder has.</summary>
    /// <param name="folder">The folder.</param>
    public static PipelineState In(string folder) => new(Path.GetFullPath(folder), "");

    /// <summary>Finds the pipeline's run that was interrupted and can go on.</summary>
    /// <returns>Null when there is none.</returns>
    public SyncRequest? FindInterrupted() => Runs.Find(InstanceId) is { HasEnded: false, IsActive: false, Input: { } input }
        ? SyncDefinitions.SyncRun.Input.FromJson(input, $"The journal of '{Pipeline}'") : null;

    /// <summary>Forgets the pipeline's run that was interrupted.</summary>
    public void Forget() => Runs.Purge(InstanceId);
}
