using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.ConnectorTestKit;

/// <summary>Checks one contract after the other, and says of each what is true of all: errors are understood, and every buffer comes back.</summary>
/// <param name="patience">Longest time that a call may take once it is cancelled.</param>
/// <param name="cancellationToken">Stops the examination.</param>
internal sealed class Examination(TimeSpan patience, CancellationToken cancellationToken)
{
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>Checks a contract.</summary>
    /// <param name="contract">The contract, in a few words.</param>
    /// <param name="examine">Checks it; what it throws is a finding too.</param>
    /// <returns>Whether it is kept.</returns>
    public async Task<bool> CheckAsync(string contract, Func<Check, Task> examine)
    {
        using var pool = new BufferPool();
        var check = new Check(contract, pool, patience, cancellationToken);
        try
        {
            await examine(check).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            check.Report("no error", e.Message);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            check.Report("no error, and none that is not a NebulaException", e.ToString());
        }
        cancellationToken.ThrowIfCancellationRequested();
        if (!check.IsStuck && pool.Outstanding != 0)
            check.Report("every buffer back in its pool at the end, whatever happened", $"{pool.Outstanding} still on loan");
        _findings.AddRange(check.Findings);
        return check.Findings.Count == 0;
    }
}
