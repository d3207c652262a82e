namespace Nebula.Orchestration.Tests.Backend;

/// <summary>A fact that needs the independent backend, and is counted as skipped without it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BackendFactAttribute : FactAttribute
{
    public BackendFactAttribute()
    {
        if (!DurableTaskBackend.IsInstalled)
            Skip = "The orchestration backend is not installed; ./test installs it where there is Node.js.";
    }
}
