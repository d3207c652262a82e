using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Npgsql;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>What is known of the last commit of a table.</summary>
/// <param name="Checkpoint">How far its stream is committed; null when nobody counted.</param>
/// <param name="Token">Identity of the commit.</param>
internal sealed record CommittedTable(Checkpoint? Checkpoint, string Token);

/// <summary>A new account of a table.</summary>
/// <param name="Table">The table.</param>
/// <param name="Checkpoint">How far its stream is committed.</param>
/// <param name="Token">Identity of the commit.</param>
/// <param name="RunId">The run.</param>
/// <param name="ExpectedSequence">The sequence that it must be at; null when nobody counts.</param>
internal sealed record Account(TableName Table, Checkpoint? Checkpoint, string Token, string RunId, long? ExpectedSequence);

/// <summary>The tables in which the connector keeps account: <c>_nebula_state</c> of commits, <c>_nebula_parts</c> of what is staged.</summary>
/// <param name="schema">Their schema.</param>
internal sealed class StateTable(string schema)
{
    private const string Name = "_nebula_state";
    private const string PartsName = "_nebula_parts";

    // it takes whoever makes the tables at the same time
    private const long CreationLock = 0x6E65_6275_6C61_0001;

    /// <summary>The schema of the tables.</summary>
    public string Schema { get; } = schema;

    private string State => SqlName.Quote(Schema, Name);

    /// <summary>The table of what is staged, as SQL writes it.</summary>
    public string Parts => SqlName.Quote(Schema, PartsName);

    /// <summary>Makes schema and tables where they are missing.</summary>
    /// <param name="connection">The connection, without a transaction.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await EnsureSchemaAsync(connection, Schema, cancellationToken).ConfigureAwait(false);
        if (await AskAsync(connection, $"SELECT to_regclass({Literal(State)}) IS NOT NULL AND to_regclass({Literal(Parts)}) IS NOT NULL", cancellationToken)
            .ConfigureAwait(false) is true)
            return;
        // one transaction, as the statements are sent together
        await ExecuteAsync(connection, $"""
            SELECT pg_advisory_xact_lock({CreationLock});
            CREATE TABLE IF NOT EXISTS {State} (table_schema text, table_name text, stream text, position text, sequence bigint,
                token text NOT NULL, run_id text NOT NULL, committed_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (table_schema, table_name)) WITH (fillfactor = 50);
            CREATE TABLE IF NOT EXISTS {Parts} (staging text, chunk int, transaction bigint, rows bigint NOT NULL, PRIMARY KEY (staging, transaction))
            """, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes a schema where it is missing.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task EnsureSchemaAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        // asked first: making what is there needs rights too
        if (await AskAsync(connection, $"SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = {Literal(schema)})", cancellationToken)
            .ConfigureAwait(false) is false)
        {
            // one transaction too; of two that make it at the same time, one would fail
            var sql = $"SELECT pg_advisory_xact_lock({CreationLock}); CREATE SCHEMA IF NOT EXISTS {SqlName.Quote(schema)}";
            await ExecuteAsync(connection, sql, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Finds the last commit of a table.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="forUpdate">Whether nobody else may commit to it until the end of the transaction.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public async Task<CommittedTable?> FindAsync(NpgsqlConnection connection, TableName table, bool forUpdate, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT stream, position, sequence, token FROM {State} WHERE table_schema = $1 AND table_name = $2{(forUpdate ? " FOR UPDATE" : "")}", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Name });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return !await reader.ReadAsync(cancellationToken).ConfigureAwait(false) ? null : new CommittedTable(
            reader.IsDBNull(2) ? null : new Checkpoint(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)), reader.GetString(3));
    }

    /// <summary>Finds the transaction of the last commit of a table.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="runId">The run that it must be of.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The transaction, as the rows that it made have it in <c>xmin</c>; null where there is no account, or another run has committed since.</returns>
    public async Task<string?> FindTransactionAsync(NpgsqlConnection connection, TableName table, string runId, CancellationToken cancellationToken) =>
        await AskAsync(connection, $"SELECT to_regclass({Literal(State)}) IS NOT NULL", cancellationToken).ConfigureAwait(false) is not true ? null
        : await AskAsync(
            connection, $"SELECT xmin::text FROM {State} WHERE table_schema = {Literal(table.Schema)} AND table_name = {Literal(table.Name)} "
                + $"AND run_id = {Literal(runId)}", cancellationToken).ConfigureAwait(false) as string;

    /// <summary>Sets the account of a table.</summary>
    /// <param name="connection">The connection, in the transaction of the commit.</param>
    /// <param name="account">The account.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task SetAsync(NpgsqlConnection connection, Account account, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            INSERT INTO {State} AS s (table_schema, table_name, stream, position, sequence, token, run_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (table_schema, table_name) DO UPDATE SET stream = excluded.stream, position = excluded.position, sequence = excluded.sequence,
                token = excluded.token, run_id = excluded.run_id, committed_at = now()
            """, connection);
        Add(command, NpgsqlDbType.Text, account.Table.Schema);
        Add(command, NpgsqlDbType.Text, account.Table.Name);
        Add(command, NpgsqlDbType.Text, account.Checkpoint?.Stream);
        Add(command, NpgsqlDbType.Text, account.Checkpoint?.Position);
        Add(command, NpgsqlDbType.Bigint, account.Checkpoint?.Sequence);
        Add(command, NpgsqlDbType.Text, account.Token);
        Add(command, NpgsqlDbType.Text, account.RunId);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the statement that sets the accounts of tables that are where they are expected.</summary>
    /// <param name="accounts">The accounts.</param>
    /// <returns>A command that tells how many there were.</returns>
    public NpgsqlBatchCommand Move(IReadOnlyList<Account> accounts)
    {
        var command = new NpgsqlBatchCommand($"""
            UPDATE {State} s SET stream = v.stream, position = v.position, sequence = v.sequence, token = v.token, run_id = v.run_id, committed_at = now()
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[])
                AS v (table_schema, table_name, stream, position, sequence, token, run_id, expected)
            WHERE s.table_schema = v.table_schema AND s.table_name = v.table_name AND s.sequence = v.expected AND s.token <> v.token
            """);
        Add(accounts.Select(static a => a.Table.Schema));
        Add(accounts.Select(static a => a.Table.Name));
        Add(accounts.Select(static a => a.Checkpoint?.Stream));
        Add(accounts.Select(static a => a.Checkpoint?.Position));
        AddNumbers(accounts.Select(static a => a.Checkpoint?.Sequence));
        Add(accounts.Select(static a => a.Token));
        Add(accounts.Select(static a => a.RunId));
        AddNumbers(accounts.Select(static a => a.ExpectedSequence));
        return command;

        void Add(IEnumerable<string?> values) =>
            command.Parameters.Add(new NpgsqlParameter { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });

        void AddNumbers(IEnumerable<long?> values) =>
            command.Parameters.Add(new NpgsqlParameter { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
    }

    /// <summary>Records what the transaction has staged.</summary>
    /// <param name="connection">The connection, in that transaction.</param>
    /// <param name="staging">The staging table.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The transaction, as the rows that it made have it in <c>xmin</c>.</returns>
    public async Task<long> AddPartAsync(NpgsqlConnection connection, TableName staging, int chunk, long rows, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"INSERT INTO {Parts} VALUES ($1, $2, txid_current() & 4294967295, $3) RETURNING transaction", connection);
        Add(command, NpgsqlDbType.Text, staging.Name);
        Add(command, NpgsqlDbType.Integer, chunk);
        Add(command, NpgsqlDbType.Bigint, rows);
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>Finds the transactions that have staged rows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="staging">The staging table.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public async Task<HashSet<long>> FindPartsAsync(NpgsqlConnection connection, TableName staging, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT transaction FROM {Parts} WHERE staging = $1", connection);
        Add(command, NpgsqlDbType.Text, staging.Name);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var found = new HashSet<long>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            found.Add(reader.GetInt64(0));
        return found;
    }

    /// <summary>The statement that forgets what was staged.</summary>
    /// <param name="staging">The staging table.</param>
    public string ForgetSql(TableName staging) => $"DELETE FROM {Parts} WHERE staging = {Literal(staging.Name)}";

    /// <summary>Text as SQL writes it, whatever is in it.</summary>
    /// <param name="text">The text.</param>
    public static string Literal(string text) => $"E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Runs statements.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sql">The statements.</param>
    /// <param name="cancellationToken">Stops them.</param>
    /// <returns>Number of rows that they changed.</returns>
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks for one value.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sql">The question.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<object?> AskAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void Add(NpgsqlCommand command, NpgsqlDbType type, object? value) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}
