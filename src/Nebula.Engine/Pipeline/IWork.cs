namespace Nebula.Engine.Pipeline;

/// <summary>Something that a worker of a <see cref="ChunkPipeline"/> does.</summary>
internal interface IWork
{
    /// <summary>Does it. Failures are kept for whoever waits for the work, in its turn.</summary>
    void Process();
}
