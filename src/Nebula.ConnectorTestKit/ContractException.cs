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
}
