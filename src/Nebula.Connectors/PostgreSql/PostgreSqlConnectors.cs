using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Writing;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql;

/// <summary>Makes PostgreSQL available.</summary>
public static class PostgreSqlConnectors
{
    /// <summary>Adds the connector <c>postgresql</c>.</summary>
    /// <param name="connectors">Takes it.</param>
    public static ConnectorRegistry AddPostgreSql(this ConnectorRegistry connectors) =>
        connectors.Add(new ConnectorDescriptor("postgresql", "Tables and views of PostgreSQL")
        {
            Aliases = ["postgres", "pg"],
            SourceOptions = PostgreSqlOptions.Descriptors,
            FindConnections = static options => PostgreSqlOptions.Of(options).Use with { LeastToCapture = CapturedLog.FewestConnections },
            TakesQueries = true,
            CapturesChanges = true,
            DestinationOptions = WriteOptions.Descriptors,
            CreateDestination = static options => new PostgreSqlDestination(WriteOptions.Of(options)),
            CreateSource = static options => new PostgreSqlSource(PostgreSqlOptions.Of(options)),
        });
}
