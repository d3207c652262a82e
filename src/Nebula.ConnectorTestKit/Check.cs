using Nebula.Engine.Columns;

namespace Nebula.ConnectorTestKit;

/// <summary>One contract that is being checked: takes what is found, and lends the buffers, all of which must come back.</summary>
/// <param name="contract">The contract.</param>
/// <param name="pool">Lends the buffers.</param>
/// <param name="patience">Longest time that a call may take once it is cancelled.</param>
/// <param name="cancellationToken">Stops the check.</param>
internal sealed class Check(string contract, BufferPool pool, TimeSpan patience, CancellationToken cancellationToken)
{
    private readonly List<Finding> _findings = [];

    public BufferPool Pool => pool;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>What was found, each once.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>Whether a call did not come back: what it holds, it holds still.</summary>
    public bool IsStuck { get; private set; }

    public void Report(string expected, string found)
    {
        var finding = new Finding(contract, expected, found);
        lock (_findings)
            if (!_findings.Contains(finding))
                _findings.Add(finding);
    }

    public void Require(bool holds, string expected, string found)
    {
        if (!holds)
            Report(expected, found);
    }

    /// <summary>Holds rows against those that should be there, in any order.</summary>
    /// <param name="expected">The rows that should be there.</param>
    /// <param name="found">The rows that are.</param>
    /// <param name="where">Of which rows this is said.</param>
    public void RequireSame(IReadOnlyCollection<string?[]> expected, IReadOnlyCollection<string?[]> found, string where)
    {
        var (missing, surplus) = RowSet.Compare(expected, found);
        if (missing.Count + surplus.Count == 0)
            return;
        var what = new List<string>();
        if (missing.Count > 0)
            what.Add($"{missing.Count} of them missing, such as {missing[0]}");
        if (surplus.Count > 0)
            what.Add($"{surplus.Count} that should not be there, such as {surplus[0]}");
        Report($"{where}: {expected.Count} rows", $"{found.Count} rows: {string.Join("; ", what)}");
    }

    /// <summary>Waits for a call whose token was cancelled: it ends soon, done or with an <see cref="OperationCanceledException"/>.</summary>
    /// <param name="call">What is called, for messages.</param>
    /// <param name="run">The call; it is made on a thread of its own, as it may not give back the one it is made on.</param>
    /// <returns>Whether it was done; null when it did not end.</returns>
    public async Task<bool?> EndsSoonAsync(string call, Func<Task> run)
    {
        var task = Task.Factory.StartNew(run, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        try
        {
            await task.WaitAsync(patience, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            IsStuck = true;
            Report($"{call} ends promptly once it is cancelled", $"it was still waiting after {patience.TotalSeconds:0.###} seconds");
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Report($"{call}, once cancelled, ends with an OperationCanceledException", $"{e.GetType().Name}: {e.Message}");
            return false;
        }
    }
}
