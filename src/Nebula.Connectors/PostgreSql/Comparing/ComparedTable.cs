using System.Collections.Immutable;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>A table as it is compared.</summary>
/// <param name="From">What stands behind <c>FROM</c>; rows are called t.</param>
/// <param name="Where">Condition on its rows; null for none.</param>
/// <param name="Key">The key of a row.</param>
/// <param name="Hash">The hash of a row, as SQL.</param>
/// <param name="Columns">The columns that count.</param>
internal sealed record ComparedTable(string From, string? Where, KeyForm Key, string Hash, ImmutableArray<HashedColumn> Columns)
{
    private const decimal Percent = 100;

    /// <summary>Makes the statement that counts the rows.</summary>
    public string CountSql => $"SELECT count(*) FROM {From}{(Where is null ? "" : $" WHERE {Where}")}";

    /// <summary>Makes the statement that finds keys by which ranges can be divided, each with the place of its range, in their order.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="rows">Rows between two such keys, in the mean.</param>
    public string DivideSql(KeyLocator ranges, long rows)
    {
        // a sample: to sort all keys would take longer than to hash them
        // the same of the same table each time: what is moved can be foreseen
        var sample = rows <= 1 ? "" : FormattableString.Invariant($" TABLESAMPLE BERNOULLI ({Percent / rows}) REPEATABLE (1)");
        return $"SELECT DISTINCT {ranges.Place}, ({Key.Value})::text, {Key.Value} FROM {From}{sample}{Found(ranges)} ORDER BY 3";
    }

    /// <summary>Makes the statement that hashes ranges.</summary>
    /// <param name="ranges">The ranges.</param>
    public string HashSql(KeyLocator ranges) =>
        $"SELECT {ranges.Place}, count(*), (sum({Hash}) % 18446744073709551616)::text FROM {From}{Found(ranges)} GROUP BY 1";

    /// <summary>Makes the statement that hashes the rows of ranges.</summary>
    /// <param name="ranges">The ranges.</param>
    public string HashRowsSql(KeyLocator ranges) => $"SELECT {ranges.Place}, ({Key.Value})::text, {Hash} FROM {From}{Found(ranges)}";

    private string Found(KeyLocator ranges) => $"{ranges.Join} WHERE {ranges.IsFound}{(Where is null ? "" : $" AND {Where}")}";
}
