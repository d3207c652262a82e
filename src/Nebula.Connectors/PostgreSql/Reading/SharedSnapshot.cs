using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>One state of the database that many connections read from. It lasts as long as the transaction that exported it, which this keeps open.</summary>
/// <param name="keeper">The connection of that transaction.</param>
/// <param name="id">What the server calls the state.</param>
internal sealed class SharedSnapshot(IAsyncDisposable keeper, string id) : IAsyncDisposable
{
    private const string BeginSql = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    private const string ExportSql = $"{BeginSql}; SELECT pg_export_snapshot()";

    // what the server says of an export that has ended: up to version 17, and since
    private static readonly string[] GoneStates = ["22023", "42704"];

    /// <summary>What the server calls the state.</summary>
    public string Id => id;

    /// <summary>Exports a state of the database.</summary>
    /// <param name="connections">Lends the connection.</param>
    /// <param name="cancellationToken">Stops the export.</param>
    public static async Task<SharedSnapshot> ExportAsync(PostgreSqlConnections connections, CancellationToken cancellationToken)
    {
        var keeper = await connections.OpenWireAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return new SharedSnapshot(keeper, await keeper.RunAsync(Begin, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            await keeper.DisposeAsync().ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested && connections.Errors.Translate(e, "A snapshot cannot be exported") is { } translated)
                throw translated;
            throw;
        }
    }

    /// <summary>Begins a transaction whose state others can see as long as it lasts. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <returns>What the server calls the state.</returns>
    public static string Begin(WireConnection connection) => connection.Query(ExportSql)[0]!;

    /// <summary>Begins a transaction that sees a state. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="id">What the server calls the state.</param>
    /// <exception cref="NebulaException">The state is gone.</exception>
    public static void Join(WireConnection connection, string id)
    {
        try
        {
            connection.Query(JoinSql(id));
        }
        catch (PostgresException e) when (GoneStates.Contains(e.SqlState))
        {
            throw Gone(e);
        }
    }

    /// <summary>Begins a transaction that sees the state.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="NebulaException">The state is gone.</exception>
    public async Task JoinAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(JoinSql(id), connection);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (GoneStates.Contains(e.SqlState))
        {
            throw Gone(e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => keeper.DisposeAsync();

    private static string JoinSql(string id) => $"{BeginSql}; SET TRANSACTION SNAPSHOT '{id}'";

    private static NebulaException Gone(PostgresException e) => new(ErrorKind.Data,
        "The snapshot that all chunks of the table are read from is gone: the connection that kept it was lost. Rows of two states must not be mixed; run "
            + "again.",
        inner: e);
}
