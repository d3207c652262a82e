using System.Net.Sockets;
using System.Security.Authentication;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>Turns errors of the server, and of the way to it, into ones that say what to do.</summary>
/// <param name="options">How the database is reached, for messages.</param>
internal sealed class PostgreSqlErrors(PostgreSqlOptions options)
{
    private static readonly TimeSpan BusyDelay = TimeSpan.FromSeconds(5);

    /// <summary>Translates an error.</summary>
    /// <param name="e">The error.</param>
    /// <param name="what">What was tried, as the start of a sentence: <c>Table "x" cannot be read</c>.</param>
    /// <returns>Null when it is none of PostgreSQL.</returns>
    public NebulaException? Translate(Exception e, string what) => e switch
    {
        PostgresException server => OfServer(server, what),
        NpgsqlException { InnerException: SocketException socket } => OfSocket(socket, what, e),
        SocketException socket => OfSocket(socket, what, e),
        NpgsqlException { InnerException: AuthenticationException tls } => new NebulaException(ErrorKind.Authentication,
            $"{what}: no encrypted connection to {options.Server} could be made. {Sentence(tls.Message)} Check 'ssl_mode' and 'ssl_root_certificate'.",
                inner: e),
        NpgsqlException when e.Message.StartsWith("No password", StringComparison.Ordinal) => new NebulaException(ErrorKind.Authentication,
            $"{what}: {options.Server} wants a password for role '{options.User}'. Set 'password' or PGPASSWORD.", inner: e),
        NpgsqlException when e.Message.Contains("SSL", StringComparison.Ordinal) && e.InnerException is null => new NebulaException(ErrorKind.Configuration,
            $"{what}: {Sentence(e.Message)} Check 'ssl_mode'.", inner: e),
        NpgsqlException or IOException or TimeoutException or ObjectDisposedException => new NebulaException(ErrorKind.Transient,
            $"{what}: the connection to {options.Server} was lost. {Sentence((e.InnerException ?? e).Message)}", inner: e),
        _ => null,
    };

    /// <summary>Translates an error of writing.</summary>
    /// <param name="e">The error.</param>
    /// <param name="table">The table that is written to.</param>
    /// <returns>Null when it is none of PostgreSQL.</returns>
    public NebulaException? TranslateWrite(Exception e, string table)
    {
        var what = $"'{table}' cannot be written";
        if (e is not PostgresException server)
            return Translate(e, what);
        var place = server.ColumnName is { } column ? $" (column \"{column}\")" : server.ConstraintName is { } constraint ? $" (constraint \"{constraint}\")"
            : "";
        var (kind, advice) = server.SqlState switch
        {
            "42501" => (ErrorKind.Permission, "Run 'nebula check': it prints the grants that are missing."),
            "23505" => (ErrorKind.Data, "Two rows have the same key. Name a key that identifies rows ('primary_key'), or merge them ('write: merge')."),
            "23502" => (ErrorKind.Data, "The column takes no null. Drop the constraint, give the column a default, or filter such rows."),
            "23503" or "23514" => (ErrorKind.Data, "A row breaks a constraint of the table. Drop the constraint, or mend the row at the source."),
            "428C9" => (ErrorKind.Schema, "The table makes the values of this column itself. Leave the column out ('select')."),
            "0A000" or "2BP01" =>
                (ErrorKind.Schema, "Something in the database hangs on what has to change. Change the table by hand, or drop what hangs on it."),
            "3F000" or "42P01" => (ErrorKind.NotFound, "It was there when the run began. Run again."),
            "42704" => (ErrorKind.Schema, "The key has a type that cannot be indexed. Name another key ('primary_key')."),
            "54000" => (ErrorKind.Data, "A row has more bytes than a page of PostgreSQL. Choose among its columns ('select')."),
            { } state when state.StartsWith("22", StringComparison.Ordinal) =>
                (ErrorKind.Data, "A value does not fit its column. Widen the column, or write the column as text (columns: { NAME: string })."),
            _ => (ErrorKind.Fatal, ""),
        };
        if (advice.Length == 0)
            return Translate(e, what);
        var where = server.Where is { Length: > 0 } context && kind == ErrorKind.Data ? $" ({Sentence(context).TrimEnd('.')})" : "";
        return new NebulaException(kind, $"{what}{place}: {Sentence(server.MessageText)}{where} (SQLSTATE {server.SqlState}) {advice}", inner: e);
    }

    private NebulaException OfSocket(SocketException socket, string what, Exception e) => socket.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.NoData =>
            new NebulaException(ErrorKind.Configuration, $"{what}: there is no host of the name in '{options.Server}'. Check 'host'.", inner: e),
        SocketError.ConnectionRefused => new NebulaException(ErrorKind.Transient,
            $"{what}: nobody answers at {options.Server}. Check 'host' and 'port', and whether the server runs.", inner: e),
        _ => new NebulaException(ErrorKind.Transient, $"{what}: the connection to {options.Server} failed. {Sentence(socket.Message)}", inner: e),
    };

    // classes and codes: manual, appendix "PostgreSQL Error Codes"
    private NebulaException OfServer(PostgresException e, string what)
    {
        var (kind, advice) = e.SqlState switch
        {
            "28000" when e.MessageText.Contains("not permitted to log in", StringComparison.Ordinal) =>
                (ErrorKind.Authentication, $"ALTER ROLE {SqlName.Quote(options.User)} LOGIN;"),
            "28P01" or "28000" =>
                (ErrorKind.Authentication, $"Check 'user' ('{options.User}') and 'password', and what pg_hba.conf of {options.Server} allows."),
            "3D000" => (ErrorKind.NotFound, $"Check 'database' ('{options.Database}')."),
            "42501" when e.MessageText.StartsWith("permission denied for database", StringComparison.Ordinal) =>
                (ErrorKind.Permission, $"GRANT CONNECT ON DATABASE {SqlName.Quote(options.Database)} TO {SqlName.Quote(options.User)};"),
            "42501" => (ErrorKind.Permission, $"Give role '{options.User}' the right: GRANT USAGE ON SCHEMA … and GRANT SELECT ON …, or read as another role."),
            "42P01" or "3F000" => (ErrorKind.NotFound, "It was there when the run was planned, or it never was. Run 'nebula discover' to see what there is."),
            "42703" or "42804" => (ErrorKind.Schema, "The table was changed after the run was planned. Run again."),
            "53300" or "53400" => (ErrorKind.Throttled, "The server has no connection left. Lower 'max_connections', or raise the server's."),
            "57014" => (ErrorKind.Transient, "Somebody on the server cancelled it."),
            "55P03" => (ErrorKind.Transient, "Somebody else holds a lock."),
            "55000" when e.MessageText.Contains("populated", StringComparison.Ordinal) =>
                (ErrorKind.Configuration, "Run REFRESH MATERIALIZED VIEW, or leave it out."),
            "40001" or "40P01" => (ErrorKind.Transient, "It collided with other work on the server."),
            _ => e.SqlState[..2] switch
            {
                "08" or "57" => (ErrorKind.Transient, "The server ended the connection, or does not take one yet."),
                "53" => (ErrorKind.Transient, "The server is short of disk or memory."),
                "22" or "23" => (ErrorKind.Data, "A value cannot be read."),
                "42" or "0A" => (ErrorKind.Configuration, "The server does not take it."),
                _ => (ErrorKind.Fatal, "The server has a problem of its own; its log says more."),
            },
        };
        return new NebulaException(kind, $"{what}: {Sentence(e.MessageText)} (SQLSTATE {e.SqlState}) {advice}", inner: e)
        {
            RetryAfter = kind == ErrorKind.Throttled ? BusyDelay : null,
        };
    }

    private static string Sentence(string message)
    {
        var end = message.AsSpan().IndexOfAny('\r', '\n');
        return (end < 0 ? message : message[..end]).TrimEnd('.') + ".";
    }
}
