namespace Nebula.Integration.Tests.Servers;

/// <summary>A fact that needs the servers, and is counted as skipped without them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StoreFactAttribute : FactAttribute
{
    internal const string Reason = "The object stores of tests/servers are not installed; ./test installs them where there is Node.js.";

    public StoreFactAttribute()
    {
        if (!StoreServer.IsInstalled)
            Skip = Reason;
    }
}

/// <summary>A theory that needs the servers, and is counted as skipped without them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class StoreTheoryAttribute : TheoryAttribute
{
    public StoreTheoryAttribute()
    {
        if (!StoreServer.IsInstalled)
            Skip = StoreFactAttribute.Reason;
    }
}
