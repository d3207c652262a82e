using Microsoft.Extensions.Logging;
using Nebula.Functions.Durable;
using Nebula.Functions.Runs;
using Nebula.Orchestration;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>What the functions work with.</summary>
internal sealed class HandlerServices : IDisposable
{
    /// <summary>Makes the services.</summary>
    /// <param name="settings">The app settings.</param>
    /// <param name="pipelines">What is deployed.</param>
    /// <param name="worker">Does the work of syncs.</param>
    /// <param name="state">Keeps state.</param>
    /// <param name="lifetime">Whether the handler goes on.</param>
    /// <param name="log">Takes messages.</param>
    /// <param name="orchestrationLog">Takes messages of orchestrations.</param>
    public HandlerServices(
        AppSettings settings, DeployedPipelines pipelines, ISyncWorker worker, IStateStore state, HandlerLifetime lifetime, ILogger log,
        IOrchestrationLog orchestrationLog)
    {
        Settings = settings;
        Pipelines = pipelines;
        Lifetime = lifetime;
        Log = log;
        State = state;
        Registry = new TaskRegistry().AddSync(worker, state);
        Executor = new OrchestrationExecutor(Registry, orchestrationLog);
        Activities = new SemaphoreSlim(settings.Activities);
        Launcher = new RunLauncher(pipelines, new SlotStore(state), settings, log);
        Records = new RunRecords(state, Launcher.Slots, log);
    }

    /// <summary>The app settings.</summary>
    public AppSettings Settings { get; }

    /// <summary>What is deployed.</summary>
    public DeployedPipelines Pipelines { get; }

    /// <summary>Whether the handler goes on.</summary>
    public HandlerLifetime Lifetime { get; }

    /// <summary>Takes messages.</summary>
    public ILogger Log { get; }

    /// <summary>Keeps state.</summary>
    public IStateStore State { get; }

    /// <summary>The orchestrations and activities.</summary>
    public TaskRegistry Registry { get; }

    /// <summary>Answers orchestrator turns.</summary>
    public OrchestrationExecutor Executor { get; }

    /// <summary>Bounds the activities at the same time: the host's own bound counts light ones like heavy ones.</summary>
    public SemaphoreSlim Activities { get; }

    /// <summary>Asks the durable extension.</summary>
    public DurableClients Clients { get; } = new();

    /// <summary>Starts runs.</summary>
    public RunLauncher Launcher { get; }

    /// <summary>Keeps what became of runs.</summary>
    public RunRecords Records { get; }

    public void Dispose()
    {
        Clients.Dispose();
        Activities.Dispose();
        (State as IDisposable)?.Dispose();
    }
}
