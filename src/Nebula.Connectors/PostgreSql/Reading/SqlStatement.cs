using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>A statement of the user's whose rows are a stream.</summary>
internal static class SqlStatement
{
    /// <summary>Stands in a statement for the last value of the cursor, or null on the first read.</summary>
    public const string Placeholder = "{incremental_value}";

    private const string Start = "(\n";
    private const string End = "\n)";

    /// <summary>Whether a statement says itself which rows are new.</summary>
    /// <param name="statement">The statement.</param>
    public static bool AsksForValue(string statement) => statement.Contains(Placeholder, StringComparison.Ordinal);

    /// <summary>Writes the statement so that it can stand behind <c>FROM</c>.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="after">The last value of the cursor; null for none.</param>
    public static string Rows(string statement, string? after) => Start + Complete(statement, after) + End;

    /// <summary>Runs a statement that has SQL of the user's in it.</summary>
    /// <param name="sent">The statement.</param>
    /// <param name="plan">What the user wrote.</param>
    /// <param name="after">The last value of the cursor; null for none.</param>
    /// <param name="run">Runs it.</param>
    /// <exception cref="NebulaException">What the user wrote is wrong.</exception>
    public static T Run<T>(string sent, StreamPlan plan, string? after, Func<T> run)
    {
        try
        {
            return run();
        }
        catch (PostgresException e) when (Explain(e, sent, plan, after) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Says what is wrong with what the user wrote in SQL, and where in it.</summary>
    /// <param name="error">What the server says of the statement that it is part of.</param>
    /// <param name="sent">What was sent to the server.</param>
    /// <param name="key">What the user wrote it under.</param>
    /// <param name="text">What the user wrote; null for nothing.</param>
    /// <param name="after">The last value of the cursor; null for none.</param>
    /// <param name="stream">The stream.</param>
    /// <returns>Null when it is not to blame.</returns>
    public static NebulaException? Explain(PostgresException error, string sent, string key, string? text, string? after, string stream)
    {
        const string SyntaxOrAccess = "42";
        if (text is null || !error.SqlState.StartsWith(SyntaxOrAccess, StringComparison.Ordinal) || error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            return null;
        var complete = Complete(text, after);
        var at = UnitsBefore(sent, error.Position - 1) - sent.IndexOf(complete, StringComparison.Ordinal);
        if (error.Position <= 0 || at < 0 || at > complete.Length + End.Length)
            return null;
        var place = at >= complete.Length ? "at its end"
            : $"at {Place(complete.AsSpan(0, at))}, near '{Near(complete.AsSpan(at))}'";
        var hint = error.Hint is { Length: > 0 } given ? $" {given}" : "";
        return new NebulaException(ErrorKind.Configuration,
            $"'{key}' of {stream} is wrong {place}: {error.MessageText.TrimEnd('.')}. (SQLSTATE {error.SqlState}){hint}", inner: error);
    }

    private static NebulaException? Explain(PostgresException error, string sent, StreamPlan plan, string? after) =>
        Explain(error, sent, "where", plan.Where, null, plan.Stream.Name) ?? Explain(error, sent, "sql", plan.Sql, after, plan.Stream.Name);

    private static string Complete(string statement, string? after) =>
        statement.Replace(Placeholder, after is null ? "NULL" : SqlName.Literal(after), StringComparison.Ordinal).TrimEnd().TrimEnd(';').TrimEnd();

    // the server counts characters, of which some are two units of a string
    private static int UnitsBefore(string text, int characters)
    {
        var units = 0;
        for (; characters > 0 && units < text.Length; characters--)
            units += char.IsHighSurrogate(text[units]) ? 2 : 1;
        return units;
    }

    private static string Place(ReadOnlySpan<char> before)
    {
        var column = 1;
        foreach (var _ in before[(before.LastIndexOf('\n') + 1)..].EnumerateRunes())
            column++;
        return $"line {before.Count('\n') + 1}, column {column}";
    }

    private static string Near(ReadOnlySpan<char> text)
    {
        const int Longest = 30;
        var line = text.IndexOfAny('\r', '\n') is var end and >= 0 ? text[..end] : text;
        return line.Length <= Longest ? line.ToString() : $"{line[..Longest]}…";
    }
}
