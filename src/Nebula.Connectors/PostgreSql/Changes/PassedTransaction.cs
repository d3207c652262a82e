using System.Globalization;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// The last transaction of captured tables that was passed. A log that goes on where the destination is has it at just that place; one that does not is that of
/// an older copy of the server, which has been written to since.
/// </summary>
/// <param name="Commit">Where it was committed.</param>
/// <param name="At">When, in microseconds since 1970-01-01, UTC; 0 where only the place is known, as behind a snapshot.</param>
internal readonly record struct PassedTransaction(ulong Commit, long At)
{
    /// <summary>Reads what <see cref="Render"/> wrote; null when it is nothing of the kind.</summary>
    /// <param name="text">The text.</param>
    public static PassedTransaction? Parse(string text) => text.Split('-') is [var commit, var at]
        && ulong.TryParse(commit, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var lsn)
        && long.TryParse(at, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var time) ? new PassedTransaction(lsn, time) : null;

    /// <summary>The transaction as text.</summary>
    public string Render() => string.Create(CultureInfo.InvariantCulture, $"{Commit:X16}-{At:X16}");
}
