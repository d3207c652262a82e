using Nebula.Engine.Connectors;

namespace Nebula.Connectors;

/// <summary>The connectors that pipeline files may come to name, and that are not there yet.</summary>
public static class PlannedConnectors
{
    /// <summary>Notes their names.</summary>
    /// <param name="connectors">Takes them.</param>
    public static ConnectorRegistry AddPlanned(this ConnectorRegistry connectors) =>
        connectors.Announce("iceberg", "mysql", "mariadb", "snowflake", "bigquery", "google_ads", "meta_ads");
}
