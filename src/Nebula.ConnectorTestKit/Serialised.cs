using System.Text.Json;

namespace Nebula.ConnectorTestKit;

/// <summary>What becomes of a record that travels through the history of an orchestration.</summary>
internal static class Serialised
{
    /// <summary>The record as it arrives.</summary>
    public static T Copy<T>(T record) => JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(record))!;
}
