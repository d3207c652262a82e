namespace Nebula.ConnectorTestKit;

/// <summary>A contract that a connector does not keep.</summary>
/// <param name="Contract">The contract, in a few words.</param>
/// <param name="Expected">What it asks for.</param>
/// <param name="Found">What the connector did instead.</param>
public sealed record Finding(string Contract, string Expected, string Found)
{
    /// <summary>Renders one line.</summary>
    public override string ToString() => $"{Contract}: expected {Expected}; found {Found}";
}
