using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Replay;

/// <summary>
/// Judges recorded turns: what was answered once is answered again by whoever has nothing but the history, wherever that is split at the begin of a turn
/// into what is old and what is new.
/// </summary>
internal static class Determinism
{
    public static void Check(TaskRegistry registry, IEnumerable<(byte[] Request, byte[] Response)> turns)
    {
        var executor = new OrchestrationExecutor(registry);
        foreach (var (message, response) in turns)
        {
            var request = OrchestratorMessageCodec.ReadRequest(message);
            HistoryEvent[] all = [.. request.PastEvents, .. request.NewEvents];
            for (var begin = 0; begin < all.Length; begin++)
                if (all[begin] is OrchestratorStarted)
                {
                    var again = OrchestratorMessageCodec.WriteResponse(executor.Execute(new OrchestratorRequest(request.InstanceId, all[..begin], all[begin..])));
                    Assert.True(response.AsSpan().SequenceEqual(again),
                        $"'{request.InstanceId}', {all.Length} events of which {begin} are old: {Convert.ToBase64String(again)} instead of {Convert.ToBase64String(response)}");
                }
        }
    }
}
