using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Where the rows of a run wait for their commit. Where nothing is in the way, the table itself takes the place of the target.</summary>
internal static class StagingTable
{
    /// <summary>The column that numbers the rows of a connection, where rows with the same key may come.</summary>
    public const string Number = "_nebula_row";

    private const string Prefix = "_nebula_s_";
    private const int HashDigits = 16;

    /// <summary>Names the table of a run.</summary>
    /// <param name="schema">Its schema.</param>
    /// <param name="target">Where its rows will go.</param>
    /// <param name="runId">The run.</param>
    public static TableName NameOf(string schema, TableName target, string runId) => new(schema, PrefixOf(target) + Hash(runId));

    /// <summary>The statement that keeps others from taking the table for one that was left behind, as long as the connection lives.</summary>
    /// <param name="staging">The table.</param>
    public static string LockSql(TableName staging) => $"SELECT pg_advisory_lock_shared({Key(staging.Name)})";

    /// <summary>The statement that ends <see cref="LockSql"/>.</summary>
    /// <param name="staging">The table.</param>
    public static string UnlockSql(TableName staging) => $"SELECT pg_advisory_unlock_shared({Key(staging.Name)})";

    /// <summary>The statement that does the same as long as the transaction lasts.</summary>
    /// <param name="staging">The table.</param>
    public static string LockTransactionSql(TableName staging) => $"SELECT pg_advisory_xact_lock_shared({Key(staging.Name)})";

    /// <summary>Drops what runs that died have left.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="state">Keeps account of it.</param>
    /// <param name="target">The target of those runs.</param>
    /// <param name="own">The table of this run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task DropDeadAsync(NpgsqlConnection connection, StateTable state, TableName target, TableName own, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        await using (var command = new NpgsqlCommand(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            + "WHERE n.nspname = $1 AND starts_with(c.relname, $2) AND c.relkind = 'r'", connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = own.Schema });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = PrefixOf(target) });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                found.Add(reader.GetString(0));
        }
        foreach (var name in found.Where(name => name != own.Name))
            if (await StateTable.AskAsync(connection, $"SELECT pg_try_advisory_lock({Key(name)})", cancellationToken).ConfigureAwait(false) is true)
            {
                await DropAsync(connection, state, new TableName(own.Schema, name), cancellationToken).ConfigureAwait(false);
                await StateTable.ExecuteAsync(connection, $"SELECT pg_advisory_unlock({Key(name)})", cancellationToken).ConfigureAwait(false);
            }
    }

    /// <summary>Drops a table and what is known of its rows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="state">Keeps account of them.</param>
    /// <param name="staging">The table; it may be gone.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static Task DropAsync(NpgsqlConnection connection, StateTable state, TableName staging, CancellationToken cancellationToken) =>
        StateTable.ExecuteAsync(connection, $"DROP TABLE IF EXISTS {staging.Sql}; {state.ForgetSql(staging)}", cancellationToken);

    /// <summary>Makes the table. One that is there and fits stays, with its rows: the step may come once more, and late, when the run has staged already.
    /// Rows of attempts that count no more go with the commit.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="state">Keeps account of the rows.</param>
    /// <param name="staging">Its name.</param>
    /// <param name="design">What it is to hold.</param>
    /// <param name="target">Where its rows will go; null when that has to be made.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task EnsureAsync(NpgsqlConnection connection, StateTable state, TableName staging, TableDesign design, TargetTable? target,
        StreamPlan plan, CancellationToken cancellationToken)
    {
        var one = Key(staging.Name + " prepare");
        await StateTable.ExecuteAsync(connection, $"SELECT pg_advisory_lock({one})", cancellationToken).ConfigureAwait(false);
        try
        {
            if (await TargetTable.FindAsync(connection, staging, cancellationToken).ConfigureAwait(false) is { } found && TableEvolution.Fits(design, found))
                return;
            await DropAsync(connection, state, staging, cancellationToken).ConfigureAwait(false);
            await CreateAsync(connection, staging, design, target, plan, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // a connection that broke has given it back
            if (connection.State == System.Data.ConnectionState.Open)
                await StateTable.ExecuteAsync(connection, $"SELECT pg_advisory_unlock({one})", CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static async Task CreateAsync(
        NpgsqlConnection connection, TableName staging, TableDesign design, TargetTable? target, StreamPlan plan, CancellationToken cancellationToken)
    {
        // where rows lie does not tell in which order they came: what others left free is filled first
        var number = MayRepeatKeys(plan) ? $"; ALTER TABLE {staging.Sql} ADD {Number} bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000)" : "";
        if (target is null && design.IsDirect)
        {
            await StateTable.ExecuteAsync(connection, design.CreateSql(staging, isStaging: true) + number, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (target is { Kind: 'r', IsReplaceable: true } && plan.Write == WriteMode.Replace
            && design.Columns.All(column => column.Stored.WireTo(TableEvolution.TypeAfter(column, target)) is not null)
            && await CreateLikeAsync(connection, staging, target, design, cancellationToken).ConfigureAwait(false))
            return;
        var sql = design.CreateSql(staging, isStaging: true).Replace("CREATE TABLE", "CREATE UNLOGGED TABLE", StringComparison.Ordinal);
        await StateTable.ExecuteAsync(connection, sql + number, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The transactions that a part was written by.</summary>
    /// <param name="part">The part.</param>
    public static IEnumerable<long> TransactionsOf(StagedPart part) =>
        part.Location.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(static text => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture));

    /// <summary>Whether a stream that is merged may have a key more than once: that of a table at the source is there once.</summary>
    /// <param name="plan">The stream.</param>
    public static bool MayRepeatKeys(StreamPlan plan) => plan.Write == WriteMode.Merge && (plan.Stream.PrimaryKey.Count == 0
        || plan.Stream.PrimaryKey.Any(key => !plan.Columns.Any(column => column.SourceName == key && plan.PrimaryKey.Contains(column.Field.Name))));

    /// <summary>Makes the table so that it can take the place of the target.</summary>
    private static async Task<bool> CreateLikeAsync(
        NpgsqlConnection connection, TableName staging, TargetTable target, TableDesign design, CancellationToken cancellationToken)
    {
        await StateTable.ExecuteAsync(
            connection, $"CREATE TABLE {staging.Sql} (LIKE {target.Name.Sql} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)", cancellationToken)
                .ConfigureAwait(false);
        if (await TargetTable.FindAsync(connection, staging, cancellationToken).ConfigureAwait(false) is { } made
            && await target.IsPlainAsync(connection, made, cancellationToken).ConfigureAwait(false))
        {
            // as long as it is empty this costs nothing
            await new TableEvolution(connection, made).RunAsync(design, cancellationToken).ConfigureAwait(false);
            return true;
        }
        await StateTable.ExecuteAsync(connection, $"DROP TABLE {staging.Sql}", cancellationToken).ConfigureAwait(false);
        return false;
    }

    private static string PrefixOf(TableName target) => $"{Prefix}{Hash(target.Sql)}_";

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..HashDigits];

    private static string Key(string name) => $"hashtextextended({StateTable.Literal(name)}, 0)";
}
