using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>The instances that a run has started, and those that they have: their ids begin with the run's.</summary>
internal static class Descendants
{
    // one that ends may have started another just before
    private const int Rounds = 4;

    /// <summary>Ends them at once: the extension ends only the instance that is named.</summary>
    /// <param name="client">Asks the durable extension.</param>
    /// <param name="runId">The run.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task TerminateAsync(IDurableClient client, string runId, string reason, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var query = new InstanceQuery { InstanceIdPrefix = runId + ":" };
            var living = 0;
            do
            {
                var page = await client.QueryAsync(query, cancellationToken).ConfigureAwait(false);
                foreach (var child in page.Instances.Where(static child => !child.IsEnded))
                {
                    living++;
                    await TryTerminateAsync(client, child.InstanceId, reason, cancellationToken).ConfigureAwait(false);
                }
                query = query with { ContinuationToken = page.ContinuationToken };
            }
            while (query.ContinuationToken is not null);
            if (living == 0)
                return;
        }
    }

    private static async Task TryTerminateAsync(IDurableClient client, string id, string reason, CancellationToken cancellationToken)
    {
        try
        {
            await client.ControlAsync(InstanceControl.Terminate, id, reason, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e) when (e.Kind is ErrorKind.Locked or ErrorKind.NotFound)
        {
            // it has ended meanwhile
        }
    }
}
