namespace Nebula.Functions.Hosting;

/// <summary>What the log says of each line: the call that it belongs to.</summary>
/// <param name="Function">The function.</param>
/// <param name="InvocationId">The host's id of the call.</param>
/// <param name="TraceParent">The W3C trace context of the call; null when there is none.</param>
/// <param name="InstanceId">The orchestration instance; null outside of one.</param>
internal sealed record CallScope(string Function, string InvocationId, string? TraceParent, string? InstanceId)
{
    private static readonly AsyncLocal<CallScope?> Local = new();

    /// <summary>The call that runs; null outside of one.</summary>
    public static CallScope? Current => Local.Value;

    /// <summary>Enters a call.</summary>
    public static IDisposable Enter(CallScope scope)
    {
        var outer = Local.Value;
        Local.Value = scope;
        return new Restore(outer);
    }

    /// <summary>Notes the instance that the call belongs to.</summary>
    public static IDisposable ForInstance(string instanceId) => Enter((Local.Value ?? new CallScope("", "", null, null)) with { InstanceId = instanceId });

    private sealed class Restore(CallScope? outer) : IDisposable
    {
        public void Dispose() => Local.Value = outer;
    }
}
