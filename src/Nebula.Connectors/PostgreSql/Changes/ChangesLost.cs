using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>The errors of a log that does not go on where the destination is, each with what happened; what to do is the run's to say.</summary>
internal static class ChangesLost
{
    /// <summary>Compares what the destination has with what the server is.</summary>
    /// <param name="position">What the destination has.</param>
    /// <param name="state">The server.</param>
    /// <param name="history">The timelines that its log came from, where the slot came from there, too; else null.</param>
    /// <exception cref="NebulaException">They do not fit.</exception>
    public static void Require(LogPosition position, LogState state, TimelineHistory? history = null)
    {
        var place = position.Start.Place;
        if (position.Server.System != state.Server.System)
            throw Lost($"The server is another one than the one that was read before: its system identifier is {state.Server.System}, not "
                + $"{position.Server.System}.");
        if (position.Server.Timeline != state.Server.Timeline)
            RequireCommon(position, state, history);
        if (state.End >= place.Lsn)
            return;
        // what a standby has not replayed yet is not lost
        throw state.IsStandby
            ? new NebulaException(ErrorKind.Transient, $"The standby has replayed the log up to {LogPlace.Sql(state.End)}, in front of "
                + $"{LogPlace.Sql(place.Lsn)}, up to where the destination is. It lags behind: run again when it has caught up.")
            : Lost($"The server's log ends at {LogPlace.Sql(state.End)}, in front of {LogPlace.Sql(place.Lsn)}, up to where the destination is: an older "
                + "backup was restored.");
    }

    /// <summary>Compares what the destination has with what the slot keeps.</summary>
    /// <param name="place">What the destination has.</param>
    /// <param name="slotName">The slot's name.</param>
    /// <param name="slot">The slot; null when there is none.</param>
    /// <exception cref="NebulaException">They do not fit.</exception>
    public static void Require(LogPlace place, string slotName, ReplicationSlot? slot)
    {
        if (slot is null)
            throw SlotGone(slotName);
        if (slot.Require().LostReason is { } reason)
            throw Lost($"Replication slot '{slot.Name}' can be used no more: {reason}.");
        if (slot.Confirmed is { } confirmed && confirmed > place.Lsn)
            throw Lost($"Replication slot '{slot.Name}' begins at {LogPlace.Sql(confirmed)}, behind {LogPlace.Sql(place.Lsn)}, up to where the destination "
                + "is. Somebody else read from it, or it was dropped and made again.");
    }

    /// <summary>Refuses a slot that the standby still gets from its primary.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="state">The server.</param>
    /// <exception cref="NebulaException">It is one.</exception>
    public static void RequireReadable(ReplicationSlot? slot, LogState state)
    {
        if (state.IsStandby && slot is { IsSynchronized: true })
            throw new NebulaException(ErrorKind.Transient, CopyOf(slot.Name));
    }

    /// <summary>Says that a slot is the copy of a primary's.</summary>
    /// <param name="slot">Its name.</param>
    public static string CopyOf(string slot) => $"Replication slot '{slot}' is a copy of the primary's as long as the server is a standby. Run again when it "
        + "has taken over, or capture the changes from the primary.";

    /// <summary>The error of a slot that is not there any more.</summary>
    /// <param name="slot">Its name.</param>
    public static NebulaException SlotGone(string slot) => Lost($"Replication slot '{slot}' is gone, and the log since with it.");

    /// <summary>The error of a log that has not the transaction that was read before.</summary>
    /// <param name="passed">The transaction.</param>
    public static NebulaException Overwritten(PassedTransaction passed) => Lost(
        $"The log at {LogPlace.Sql(passed.Commit)} is not the one that was read before: an older backup was restored, and has been written to since.");

    /// <summary>Whether all that the destination has was in the log before it was forked.</summary>
    private static void RequireCommon(LogPosition position, LogState state, TimelineHistory? history)
    {
        var forked = $"The server's log was forked: it is on timeline {state.Server.Timeline}, not {position.Server.Timeline}. A standby took over";
        if (history?.EndOf(position.Server.Timeline) is not { } end)
            throw Lost($"{forked}, or a backup was restored.");
        // what a snapshot saw may be further than the log was read
        var place = Math.Max(position.Start.Place.Lsn, position.Start.Seen?.End ?? 0);
        if (place > end)
            throw Lost($"{forked} that had the log up to {LogPlace.Sql(end)}, in front of {LogPlace.Sql(place)}, up to where the destination is: what it has "
                + "in between is lost at the source.");
    }

    /// <summary>The error of a table that is not published any more.</summary>
    /// <param name="table">The table.</param>
    /// <param name="publication">The publication.</param>
    public static NebulaException NotPublished(string table, string publication) => Lost(
        $"Table {table} is not in publication '{publication}' any more: it was taken out, or dropped and made again. Its changes since are not in the log.");

    /// <summary>The error of a table that has taken another's name.</summary>
    /// <param name="table">The table.</param>
    public static NebulaException Recreated(string table) =>
        Lost($"Table {table} was dropped and made again; of the rows that went with the old one the log tells nothing.");

    /// <summary>Makes the error.</summary>
    /// <param name="what">What happened.</param>
    /// <param name="inner">The cause, for logs.</param>
    public static NebulaException Lost(string what, Exception? inner = null) => new(ErrorKind.PositionLost, what, inner: inner);
}
