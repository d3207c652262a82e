using System.Globalization;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>The column that an incremental read follows.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, as SQL writes it, without size.</param>
/// <param name="Category"><c>pg_type.typcategory</c> of it: D for dates and times, N for numbers.</param>
/// <param name="Lookback">How far before the last value is read again; null for not at all.</param>
internal sealed record CursorColumn(string Name, string Type, char Category, string? Lookback)
{
    private const char Times = 'D', Numbers = 'N';

    /// <summary>The column in conditions.</summary>
    public string Sql => CopyQuery.ColumnOf(Name);

    /// <summary>Tells whether a value is a step on a way; null where all are. Behind infinity and NaN nothing would ever come.</summary>
    public string? IsStep => (Type, Category) switch
    {
        ("numeric", _) => $"{Sql} < 'NaN'",
        ("real" or "double precision", _) => $"{Sql} < 'infinity'",
        ("date" or "timestamp without time zone" or "timestamp with time zone", _) => $"isfinite({Sql})",
        _ => null,
    };

    /// <summary>Finds the column of a plan. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="rows">All rows of it.</param>
    /// <exception cref="NebulaException">There is none, or what is to be looked back over does not fit it.</exception>
    public static CursorColumn Find(WireConnection connection, StreamPlan plan, TableChunk rows)
    {
        if (plan.Cursor is not { } wanted)
            throw NebulaException.Configuration($"{plan.Stream.Name} is read incrementally, which needs a column that tells what is new: set 'update_key'.");
        if (plan.Stream.Schema.IndexOf(wanted.Column) < 0)
            throw NebulaException.Configuration($"'update_key' names the column \"{wanted.Column}\", which {plan.Stream.Name} does not have."
                + Suggestion.For(wanted.Column, plan.Stream.Schema.Fields.Select(static field => field.Name)));
        var query = $"""
            SELECT format_type(t.oid, NULL), t.typcategory
            FROM (SELECT pg_typeof((SELECT {CopyQuery.ColumnOf(wanted.Column)} FROM {CopyQuery.RowsOf(plan, rows)} LIMIT 0))::oid AS oid) AS c
            JOIN pg_type AS t ON t.oid = c.oid
            """;
        var found = SqlStatement.Run(query, plan, rows.After, () => connection.Ask(query))[0];
        return new CursorColumn(wanted.Column, found.Text(0), found.Char(1), wanted.Lookback).Check(plan.Stream.Name);
    }

    /// <summary>A value of the column, less what is looked back over.</summary>
    /// <param name="value">The value as the database prints it.</param>
    public string Before(string value)
    {
        var literal = $"{SqlName.Literal(value)}::{Type}";
        return Lookback is not { } lookback ? literal
            : Category == Numbers ? $"({literal} - {SqlName.Literal(lookback)}::{Type})"
            : $"({literal} - {SqlName.Literal(Seconds(lookback))}::interval)::{Type}";
    }

    private CursorColumn Check(string stream)
    {
        if (Lookback is null)
            return this;
        var fits = Category switch
        {
            Times => Units.ParseDuration(Lookback) is not null,
            Numbers => decimal.TryParse(Lookback, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _),
            _ => throw NebulaException.Configuration($"'lookback' of {stream} needs a column of times or numbers; \"{Name}\" is {Type}. Leave it out."),
        };
        return fits ? this : throw NebulaException.Configuration(
            $"'lookback' of {stream} is '{Lookback}', but \"{Name}\" is {Type}: "
            + $"{(Category == Times ? "write a duration such as 2h" : "write a number such as 1000")}.");
    }

    private static string Seconds(string duration) =>
        string.Create(CultureInfo.InvariantCulture, $"{(decimal)Units.ParseDuration(duration)!.Value.Ticks / TimeSpan.TicksPerSecond} seconds");
}
