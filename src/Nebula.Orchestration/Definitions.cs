namespace Nebula.Orchestration;

/// <summary>An activity as orchestrations call it: name and types.</summary>
/// <typeparam name="TInput">Its input.</typeparam>
/// <typeparam name="TOutput">Its result.</typeparam>
/// <param name="name">Its name, unique in the registry.</param>
/// <param name="input">How inputs travel.</param>
/// <param name="output">How results travel.</param>
public sealed class ActivityDefinition<TInput, TOutput>(string name, Payload<TInput> input, Payload<TOutput> output)
{
    /// <summary>Its name, unique in the registry.</summary>
    public string Name { get; } = name;

    /// <summary>How inputs travel.</summary>
    public Payload<TInput> Input { get; } = input;

    /// <summary>How results travel.</summary>
    public Payload<TOutput> Output { get; } = output;
}

/// <summary>An orchestration as clients and other orchestrations start it: name and types.</summary>
/// <typeparam name="TInput">Its input.</typeparam>
/// <typeparam name="TOutput">Its result.</typeparam>
/// <param name="name">Its name, unique in the registry.</param>
/// <param name="input">How inputs travel.</param>
/// <param name="output">How results travel.</param>
public sealed class OrchestrationDefinition<TInput, TOutput>(string name, Payload<TInput> input, Payload<TOutput> output)
{
    /// <summary>Its name, unique in the registry.</summary>
    public string Name { get; } = name;

    /// <summary>How inputs travel.</summary>
    public Payload<TInput> Input { get; } = input;

    /// <summary>How results travel.</summary>
    public Payload<TOutput> Output { get; } = output;
}

/// <summary>What an activity knows of its call. Any call may be repeated, also while an earlier one is still under way.</summary>
/// <param name="InstanceId">The orchestration instance that called.</param>
/// <param name="CancellationToken">Stops the activity.</param>
public sealed record ActivityContext(string InstanceId, CancellationToken CancellationToken);

/// <summary>How important a message of an orchestration is.</summary>
public enum OrchestrationLogLevel
{
    /// <summary>For finding errors.</summary>
    Debug,

    /// <summary>What happens.</summary>
    Information,

    /// <summary>What someone should look at.</summary>
    Warning,
}

/// <summary>Takes the messages of orchestrations, each once: not again when they are replayed.</summary>
public interface IOrchestrationLog
{
    /// <summary>Takes a message.</summary>
    /// <param name="instanceId">The instance that says it.</param>
    /// <param name="level">How important it is.</param>
    /// <param name="message">The text.</param>
    void Write(string instanceId, OrchestrationLogLevel level, string message);
}
