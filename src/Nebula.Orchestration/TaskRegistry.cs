using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Replay;

namespace Nebula.Orchestration;

/// <summary>The orchestrations and activities that a host can run, by name.</summary>
public sealed class TaskRegistry
{
    private readonly Dictionary<string, Func<ActivityContext, string?, Task<string>>> _activities = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Func<OrchestrationContext, string?, Task<string>>> _orchestrations = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Names of the activities.</summary>
    public IEnumerable<string> Activities => _activities.Keys;

    /// <summary>Names of the orchestrations.</summary>
    public IEnumerable<string> Orchestrations => _orchestrations.Keys;

    /// <summary>Adds an activity.</summary>
    /// <typeparam name="TInput">Its input.</typeparam>
    /// <typeparam name="TOutput">Its result.</typeparam>
    /// <param name="definition">Its name and types.</param>
    /// <param name="run">What it does. It may be called again for the same call, also at the same time: its effects have to be idempotent.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public TaskRegistry AddActivity<TInput, TOutput>(ActivityDefinition<TInput, TOutput> definition, Func<ActivityContext, TInput, Task<TOutput>> run)
    {
        _activities.Add(definition.Name, async (context, json) =>
        {
            var input = definition.Input.FromJson(json, $"The input of activity '{definition.Name}'");
            var output = await run(context, input).ConfigureAwait(false);
            return ActivityResult.Success(definition.Output, output);
        });
        return this;
    }

    /// <summary>Adds an orchestration.</summary>
    /// <typeparam name="TInput">Its input.</typeparam>
    /// <typeparam name="TOutput">Its result.</typeparam>
    /// <param name="definition">Its name and types.</param>
    /// <param name="run">Its code, under the rules of <see cref="OrchestrationContext"/>.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public TaskRegistry AddOrchestration<TInput, TOutput>(
        OrchestrationDefinition<TInput, TOutput> definition, Func<OrchestrationContext, TInput, Task<TOutput>> run)
    {
        _orchestrations.Add(definition.Name, async (context, json) =>
        {
            var input = definition.Input.FromJson(json, $"The input of orchestration '{definition.Name}'");
            return definition.Output.ToJson(await run(context, input));
        });
        return this;
    }

    /// <summary>Runs an activity and puts what comes of it into the envelope that orchestrations read; a failure of the activity too.</summary>
    /// <param name="name">The activity.</param>
    /// <param name="context">What it is told.</param>
    /// <param name="input">Its input as JSON text.</param>
    /// <returns>The envelope as JSON text.</returns>
    /// <exception cref="OperationCanceledException">It was stopped: nothing is known about it, it has to run again.</exception>
    public async Task<string> RunActivityAsync(string name, ActivityContext context, string? input)
    {
        try
        {
            var run = _activities.GetValueOrDefault(name) ?? throw Unknown("activity", name, _activities.Keys);
            return await run(context, input).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            return ActivityResult.Failure(e);
        }
    }

    /// <summary>Puts the failure of an activity that a host did not run to its end into the envelope that orchestrations read.</summary>
    /// <param name="error">Why it was not; one that is transient is repeated under the caller's retry policy.</param>
    /// <returns>The envelope as JSON text.</returns>
    public static string FailedActivity(NebulaException error) => ActivityResult.Failure(error);

    /// <summary>Finds the code of an orchestration.</summary>
    /// <exception cref="NebulaException">There is none of this name.</exception>
    internal Func<OrchestrationContext, string?, Task<string>> FindOrchestration(string name) =>
        _orchestrations.GetValueOrDefault(name) ?? throw Unknown("orchestration", name, _orchestrations.Keys);

    private static NebulaException Unknown(string kind, string name, IEnumerable<string> known) => NebulaException.NotFound(
        $"There is no {kind} '{name}' in this version.{Suggestion.For(name, known)} The run was started by another version: let that one end it, or purge it.");
}
