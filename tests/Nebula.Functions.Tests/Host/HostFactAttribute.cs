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

/// <summary>A fact that needs the durable extension and a storage account, and is counted as skipped without them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HostAndStorageFactAttribute : FactAttribute
{
    public HostAndStorageFactAttribute()
    {
        if (!DurableExtension.IsInstalled || !Nebula.Integration.Tests.Servers.StoreServer.IsInstalled)
            Skip = "The orchestration backend or the storage server is not installed; ./test installs them where there is Node.js.";
    }
}

/// <summary>A theory that needs the durable extension, and is counted as skipped without it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HostTheoryAttribute : TheoryAttribute
{
    public HostTheoryAttribute()
    {
        if (!DurableExtension.IsInstalled)
            Skip = "The orchestration backend is not installed; ./test installs it where there is Node.js.";
    }
}

/// <summary>Theories that need a storage server besides.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HostAndStorageTheoryAttribute : TheoryAttribute
{
    public HostAndStorageTheoryAttribute()
    {
        if (!DurableExtension.IsInstalled || !Nebula.Integration.Tests.Servers.StoreServer.IsInstalled)
            Skip = "The orchestration backend or the storage server is not installed; ./test installs them where there is Node.js.";
    }
}
