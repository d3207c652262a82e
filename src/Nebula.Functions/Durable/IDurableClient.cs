using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>What can be asked of the durable extension about orchestration instances. Failures are <see cref="NebulaException"/>s: not found, locked (the
/// instance is not in a state for it), transient.</summary>
internal interface IDurableClient
{
    /// <summary>Starts an instance. One that has ended is overwritten.</summary>
    /// <returns>False when an instance of this id lives already; nothing is changed then.</returns>
    Task<bool> StartAsync(StartInstance start, CancellationToken cancellationToken);

    /// <summary>Finds an instance.</summary>
    /// <returns>Null when there is none.</returns>
    Task<InstanceState?> FindAsync(string instanceId, bool withPayloads, CancellationToken cancellationToken);

    /// <summary>Finds the instances that fit.</summary>
    Task<InstancePage> QueryAsync(InstanceQuery query, CancellationToken cancellationToken);

    /// <summary>Sends an event to an instance.</summary>
    Task RaiseEventAsync(string instanceId, string name, string input, CancellationToken cancellationToken);

    /// <summary>Does something else with an instance.</summary>
    Task ControlAsync(InstanceControl control, string instanceId, string reason, CancellationToken cancellationToken);

    /// <summary>Removes all that is kept of ended instances of a time.</summary>
    /// <returns>How many were removed.</returns>
    Task<int> PurgeAsync(DateTime from, DateTime to, CancellationToken cancellationToken);
}

/// <summary>What can be done with an instance.</summary>
internal enum InstanceControl
{
    /// <summary>End it at once, whatever it does.</summary>
    Terminate,

    /// <summary>Hold its events until it is resumed.</summary>
    Suspend,

    /// <summary>Let a suspended one go on.</summary>
    Resume,

    /// <summary>Repeat what failed of a failed one.</summary>
    Rewind,
}
