using Nebula.Connectors.PostgreSql.Wire;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>Finds out whether a server is at work for others, who would notice each process that reads.</summary>
internal static class ServerLoad
{
    // a transaction in which nothing runs does no work, however long it is open;
    // what pg_stat_activity is made of, without names of databases and roles, which take longer to look up than all that is asked here; what a role may not
    // see of others is null; what is ours, of a target too, is told by its name
    private const string Query = """
        SELECT EXISTS (SELECT FROM pg_stat_get_activity(NULL) WHERE backend_type = 'client backend' AND state IN ('active', 'fastpath function call')
            AND application_name <> current_setting('application_name'))
        """;

    /// <summary>Whether somebody else runs a statement. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    public static bool IsShared(WireConnection connection) => connection.Ask(Query)[0].Bool(0);
}
