using Nebula.Engine.Configuration;

namespace Nebula.Orchestration.Planning;

/// <summary>The pipelines that can be run, by name.</summary>
public interface IPipelineLibrary
{
    /// <summary>Reads a pipeline.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="variables">Variables of the run, which win over those of the process.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">There is none of this name, or it is wrong.</exception>
    PipelineConfig Load(string name, IReadOnlyDictionary<string, string> variables);
}
