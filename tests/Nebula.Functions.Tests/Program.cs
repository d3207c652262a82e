using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests;

/// <summary>The handler that tests start: the real one, over a source and a destination in a folder.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not ["handler", var folder, var worker])
            return 2;
        try
        {
            var settings = AppSettings.Read(Environment.GetEnvironmentVariable);
            Workers.LimitMemory(settings);
            return await FunctionsApp.RunAsync(settings with
            {
                TerminationInterval = TimeSpan.FromMilliseconds(100),
                RedeliveryPause = TimeSpan.FromMilliseconds(20),
                Sync = settings.Sync with { PageSize = Number("NEBULA_TEST_PAGE_SIZE", 4), FirstDelay = 20, MaxDelay = 1_000, MaxAttempts = 9 },
            }, worker == "real" ? Workers.Make : (_, _, _) => World(folder));
        }
        catch (NebulaException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return FunctionsApp.Broken;
        }
    }

    public static WorldStream[] Streams(string folder) =>
    [
        .. File.ReadAllLines(Path.Combine(folder, "streams.txt")).Select(line => line.Split(' ')).Select(parts =>
            new WorldStream(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture))
            {
                Changes = parts.Length > 2 ? int.Parse(parts[2], CultureInfo.InvariantCulture) : null,
            }),
    ];

    private static FolderWorld World(string folder)
    {
        var failEvery = Number("NEBULA_TEST_FAIL_EVERY", 0);
        var steps = 0;
        return new FolderWorld(Path.Combine(folder, "world"), Streams(folder))
        {
            Step = _ =>
            {
                if (failEvery > 0 && Interlocked.Increment(ref steps) % failEvery == 0)
                    throw new NebulaException(ErrorKind.Transient, "connection lost");
            },
            Transferring = (task, chunk, cancellationToken) => HoldAsync(folder, task, chunk, cancellationToken),
        };
    }

    /// <summary>A transfer goes on once nobody holds it: there is no file of its name.</summary>
    private static async Task HoldAsync(string folder, StreamTask task, Chunk chunk, CancellationToken cancellationToken)
    {
        var gate = Path.Combine(folder, "hold");
        while (File.Exists(gate))
            await Task.Delay(10, cancellationToken);
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
