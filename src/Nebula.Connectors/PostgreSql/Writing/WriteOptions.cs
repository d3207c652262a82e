using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>What users set on a target.</summary>
/// <param name="Connection">How the database is reached.</param>
/// <param name="Schema">The schema of tables that are named without one.</param>
/// <param name="StateSchema">Where Nebula keeps its own tables; null for the schema of the target.</param>
internal sealed record WriteOptions(PostgreSqlOptions Connection, string Schema, string? StateSchema)
{
    private const string SchemaKey = "schema";
    private const string StateSchemaKey = "state_schema";
    private const string ConnectionsKey = "max_connections";

    // the statements of windows of changes are the same from window to window
    private const int MostPrepared = 500;

    /// <summary>What can be set.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        .. PostgreSqlOptions.Descriptors.Where(static option => option.Name is not (SchemaKey or ConnectionsKey)),
        new(SchemaKey, OptionKind.Text, "Schema of tables that are named without one; it is made where it is missing.", "public"),
        new(StateSchemaKey, OptionKind.Text, "Schema of the staging tables and of _nebula_state, which keeps account of commits; else that of the table."),
        PostgreSqlOptions.Descriptors.First(static option => option.Name == ConnectionsKey) with
        {
            Summary = "Most connections of a stream at a time, 1 or more: one for the commit, the others copy rows.",
        },
    ];

    /// <summary>Reads what the user set.</summary>
    /// <param name="options">What was set.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">Something is missing or wrong.</exception>
    public static WriteOptions Of(OptionValues options)
    {
        var (schema, state) = (options.Text(SchemaKey)!, options.Text(StateSchemaKey));
        TableName.Require(schema, "The schema", "Set 'schema' to another.");
        if (state is not null)
            TableName.Require(state, "The schema", "Set 'state_schema' to another.");
        return new WriteOptions(PostgreSqlOptions.Of(options) with { MostPrepared = MostPrepared }, schema, state);
    }
}
