using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>The timelines that a server's log came from ("Timelines" in the manual): a standby that takes over goes on with a timeline of its own.</summary>
internal sealed class TimelineHistory
{
    private const int ContentColumn = 1;
    private const int FewestFields = 2;
    private readonly Dictionary<uint, ulong> _ends = [];

    private TimelineHistory()
    {
    }

    /// <summary>Asks the server.</summary>
    /// <param name="connections">Lends a connection.</param>
    /// <param name="timeline">The server's timeline.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task<TimelineHistory> FindAsync(PostgreSqlConnections connections, uint timeline, CancellationToken cancellationToken)
    {
        var connection = await connections.OpenReplicationAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var row = await connection.RunAsync(
                wire => wire.Query(string.Create(CultureInfo.InvariantCulture, $"TIMELINE_HISTORY {timeline}")), cancellationToken).ConfigureAwait(false);
            return Parse(row.Length > ContentColumn ? row[ContentColumn] ?? "" : "");
        }
    }

    /// <summary>Reads a history file.</summary>
    /// <param name="text">Its text: a line for each timeline, with its number and where it ended. What is nothing of the kind is left out.</param>
    public static TimelineHistory Parse(string text)
    {
        var history = new TimelineHistory();
        foreach (var line in text.Split('\n'))
            if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is { Length: >= FewestFields } fields
                && uint.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var timeline)
                && NpgsqlTypes.NpgsqlLogSequenceNumber.TryParse(fields[1], out var end))
                history._ends[timeline] = (ulong)end;
        return history;
    }

    /// <summary>Tells where a timeline ended and the next began.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <returns>Null when the server's log did not come from it.</returns>
    public ulong? EndOf(uint timeline) => _ends.TryGetValue(timeline, out var end) ? end : null;
}
