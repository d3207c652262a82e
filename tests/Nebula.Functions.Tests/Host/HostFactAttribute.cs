namespace Nebula.Functions.Tests.Host;

/// <summary>A fact that needs the durable extension, and is counted as skipped without it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HostFactAttribute : FactAttribute
{
    public HostFactAttribute()
    {
        if (!DurableExtension.IsInstalled)
            Skip = "The orchestration backend is not installed; ./test installs it where there is Node.js.";
    }
}
