using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Nebula.Engine.Configuration;
using Nebula.Functions.Runs;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>Makes the worker of the syncs.</summary>
/// <param name="settings">The app settings.</param>
/// <param name="pipelines">What is deployed.</param>
/// <param name="state">Keeps state.</param>
internal delegate ISyncWorker WorkerFactory(AppSettings settings, DeployedPipelines pipelines, IStateStore state);

/// <summary>The handler's process: listens first, makes itself ready after, and ends in order.</summary>
internal static class FunctionsApp
{
    /// <summary>Tells the host to start the handler again, and not to count that as an error. With 0 it would never start it again.</summary>
    public const int Restart = 200;

    /// <summary>Tells the host that the handler cannot work. It tries three times.</summary>
    public const int Broken = 1;

    // turns that the host sends meanwhile are answered with "later" instead of breaking off
    private static readonly TimeSpan LeastDrain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MostDrain = TimeSpan.FromSeconds(20);

    /// <summary>Runs the handler until it is told to end.</summary>
    /// <param name="settings">The app settings.</param>
    /// <param name="makeWorker">Makes the worker of the syncs.</param>
    /// <returns>The exit code, never 0.</returns>
    public static async Task<int> RunAsync(AppSettings settings, WorkerFactory makeWorker)
    {
        var secrets = new Secrets();
        using var log = new LineLog(Console.OpenStandardOutput(), secrets.Redact);
        var logger = log.CreateLogger("Nebula");
        using var lifetime = new HandlerLifetime();
        using var telemetry = Telemetry.Start(settings);
        var services = new TaskCompletionSource<HandlerServices>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = Build(settings, log);
        app.Run(new InvocationEndpoint(FunctionList.All, services.Task, lifetime, logger).HandleAsync);
        await app.StartAsync().ConfigureAwait(false);
        try
        {
            using var handler = Initialise(settings, secrets, makeWorker, lifetime, logger, log);
            services.SetResult(handler);
            await WaitAsync(app.Lifetime.ApplicationStopping).ConfigureAwait(false);
            logger.LogInformation("Ending; {Calls} calls are under way", lifetime.Calls);
            lifetime.Stop();
            await DrainAsync(lifetime).ConfigureAwait(false);
            await app.StopAsync().ConfigureAwait(false);
            return Restart;
        }
        catch (Exception e) when (!services.Task.IsCompleted)
        {
            logger.LogCritical(e, "The handler cannot start");
            services.SetException(e);
            return Broken;
        }
    }

    private static WebApplication Build(AppSettings settings, LineLog log)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // a long history is a large request, and the host sends it over the loopback only
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, settings.Port, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
        return builder.Build();
    }

    private static HandlerServices Initialise(
        AppSettings settings, Secrets secrets, WorkerFactory makeWorker, HandlerLifetime lifetime, ILogger logger, LineLog log)
    {
        var pipelines = DeployedPipelines.Load(settings.Pipelines, new ConfigEnvironment { Secrets = secrets, ConnectionsPath = null });
        foreach (var broken in pipelines.All.Where(static pipeline => pipeline.Config is null))
            logger.LogError("Pipeline '{Pipeline}' cannot be used: {Problem}", broken.Name, broken.Problem);
        logger.LogInformation("{Count} pipelines are deployed in {Folder}", pipelines.All.Count, settings.Pipelines);
        var state = StateStores.Open(settings.State);
        return new HandlerServices(settings, pipelines, makeWorker(settings, pipelines, state), state, lifetime, logger, log);
    }

    private static async Task WaitAsync(CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (stop.Register(stopped.SetResult))
            await stopped.Task.ConfigureAwait(false);
    }

    private static async Task DrainAsync(HandlerLifetime lifetime)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) is var waited && waited < MostDrain && (waited < LeastDrain || lifetime.Calls > 0))
            await Task.Delay(50).ConfigureAwait(false);
    }
}
