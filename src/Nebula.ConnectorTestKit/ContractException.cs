namespace Nebula.ConnectorTestKit;

/// <summary>A connector does not keep its contracts. The message has a line for each finding, so that the report of any test framework shows them.</summary>
/// <param name="connector">The type that was checked.</param>
/// <param name="findings">What was found.</param>
public sealed class ContractException(string connector, IReadOnlyList<Finding> findings)
    : Exception($"{connector} breaks {(findings.Count == 1 ? "a contract" : $"{findings.Count} contracts")}:\n"
        + string.Join('\n', findings.Select(static finding => $"- {finding}")))
{
    /// <summary>What was found.</summary>
    public IReadOnlyList<Finding> Findings { get; } = findings;

    /// <summary>Throws where something was found.</summary>
    /// <param name="findings">What was found.</param>
    /// <param name="create">Makes what was checked, for its name.</param>
    /// <exception cref="ContractException">Something was.</exception>
    internal static async Task ThrowIfAnyAsync(IReadOnlyList<Finding> findings, Func<IAsyncDisposable> create)
    {
        if (findings.Count == 0)
            return;
        var examined = create();
        await using (examined.ConfigureAwait(false))
            throw new ContractException(examined.GetType().Name, findings);
    }
}
