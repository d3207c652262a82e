using Nebula.Engine.Diagnostics;
using Nebula.Functions.Runs;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>Makes the worker that moves rows.</summary>
internal static class Workers
{
    public static ISyncWorker Make(DeployedPipelines pipelines, IStateStore state) => throw NebulaException.Configuration("no worker");
}
