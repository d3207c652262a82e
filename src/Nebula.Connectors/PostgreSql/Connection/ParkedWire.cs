using Nebula.Connectors.PostgreSql.Wire;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>
/// Keeps a connection from whoever looked what a server has to whoever reads it: planning and reading have a source each, and the second would log in again
/// milliseconds later. There is one at most in a process, for a second; opening another connection closes it, so that it is never one too many.
/// </summary>
internal static class ParkedWire
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);
    private static readonly Timer Closing = new(static _ => Clear());
    private static Parked? _parked;

    /// <summary>Keeps a connection.</summary>
    /// <param name="settings">How it was opened.</param>
    /// <param name="connection">The connection, idle, which belongs to this afterwards.</param>
    public static void Put(WireSettings settings, WireConnection connection)
    {
        Interlocked.Exchange(ref _parked, new Parked(settings, connection))?.Connection.Dispose();
        Closing.Change(Longest, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes what is kept if it was opened in the same way, and closes it otherwise.</summary>
    /// <param name="settings">How a connection is to be opened.</param>
    /// <returns>Null when there is none.</returns>
    public static WireConnection? Take(WireSettings settings)
    {
        if (Interlocked.Exchange(ref _parked, null) is not { } parked)
            return null;
        // it may have been ended meanwhile
        if (parked.Settings == settings && !parked.Connection.HasNews)
            return parked.Connection;
        parked.Connection.Dispose();
        return null;
    }

    /// <summary>Closes what is kept.</summary>
    public static void Clear() => Interlocked.Exchange(ref _parked, null)?.Connection.Dispose();

    private sealed record Parked(WireSettings Settings, WireConnection Connection);
}
