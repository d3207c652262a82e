using Nebula.Orchestration.State;

namespace Nebula.Delivery.Tests;

/// <summary>The writes of a state store.</summary>
internal sealed class SteppedState(IStateStore inner, Steps steps) : IStateStore
{
    public Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken) => inner.GetAsync(key, cancellationToken);

    public Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken) =>
        steps.AroundAsync($"state.put {KindOf(key)}", () => inner.PutAsync(key, content, condition, cancellationToken));

    public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public Task<bool> DeleteAsync(string key, CancellationToken cancellationToken) =>
        steps.AroundAsync($"state.delete {KindOf(key)}", () => inner.DeleteAsync(key, cancellationToken));

    /// <summary>The kind of a document, so that each kind is a step of its own.</summary>
    private static string KindOf(string key)
    {
        var segments = key.Split('/');
        return segments[0] != "runs" ? segments[0] : segments.Length == 5 ? segments[3] : "plan";
    }
}
