using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>How a log is read.</summary>
/// <param name="Slot">The replication slot, which keeps the log until it was read.</param>
/// <param name="Publication">The publication, which says what is in it.</param>
internal sealed record CaptureOptions(string Slot, string Publication)
{
    private const string SlotKey = "slot";
    private const string PublicationKey = "publication";
    private const string HeartbeatKey = "heartbeat";
    private const string SpoolPathKey = "spool_path";
    private const string SpoolSizeKey = "spool_size";
    private const string FailoverKey = "failover";
    private const int LongestName = 63;
    private static readonly TimeSpan DefaultHeartbeat = TimeSpan.FromSeconds(10);

    /// <summary>How often a log that is followed hands over how far it is when there are no changes, so that the server need not keep it.</summary>
    public TimeSpan Heartbeat { get; init; } = DefaultHeartbeat;

    /// <summary>Folder for what comes of transactions that have not ended.</summary>
    public string SpoolFolder { get; init; } = Path.GetTempPath();

    /// <summary>Most bytes there; with 0 the server keeps transactions until they are committed.</summary>
    public long SpoolLimit { get; init; } = long.MaxValue;

    /// <summary>Whether standbys are to have the slot.</summary>
    public bool IsFailover { get; init; }

    /// <summary>Reads the options of a captured stream.</summary>
    /// <param name="plan">The stream.</param>
    /// <exception cref="NebulaException">One is missing or wrong.</exception>
    public static CaptureOptions Of(StreamPlan plan)
    {
        var capture = plan.Capture ?? throw NebulaException.Configuration($"The changes of '{plan.Stream.Name}' are not captured. Set 'mode: cdc'.");
        var slot = capture.Options.GetValueOrDefault(SlotKey) ?? "";
        if (slot.Length is 0 or > LongestName || slot.AsSpan().ContainsAnyExcept(SlotCharacters))
            throw NebulaException.Configuration($"The replication slot must have a name of up to {LongestName} lower-case letters, digits and underscores; "
                + $"it is '{slot}'. Set 'slot'.");
        var publication = capture.Options.GetValueOrDefault(PublicationKey) ?? "";
        if (publication.Length == 0)
            throw NebulaException.Configuration("The publication must have a name. Set 'publication'.");
        var heartbeat = DefaultHeartbeat;
        if (capture.Options.GetValueOrDefault(HeartbeatKey) is { } text)
            heartbeat = TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var duration) && duration > TimeSpan.Zero ? duration
                : throw NebulaException.Configuration($"'heartbeat' must be a time such as 00:00:10; it is '{text}'.");
        var limit = long.MaxValue;
        if (capture.Options.GetValueOrDefault(SpoolSizeKey) is { } size
            && (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 0))
            throw NebulaException.Configuration($"'spool.max_size' must be a number of bytes; it is '{size}'.");
        return new CaptureOptions(slot, publication)
        {
            Heartbeat = heartbeat,
            SpoolFolder = capture.Options.GetValueOrDefault(SpoolPathKey) ?? Path.GetTempPath(),
            SpoolLimit = limit,
            IsFailover = capture.Options.GetValueOrDefault(FailoverKey) == "true",
        };
    }

    // slot.c, ReplicationSlotValidateName
    private static System.Buffers.SearchValues<char> SlotCharacters { get; } = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_");
}
