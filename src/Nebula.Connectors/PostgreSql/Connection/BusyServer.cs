using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>
/// Opens connections to a server that may have none left for a moment: it counts one that was closed until the process that served it has ended.
/// </summary>
internal static class BusyServer
{
    private static readonly int[] Delays = [10, 20, 50, 100, 200, 400, 800];

    /// <summary>Opens a connection.</summary>
    /// <param name="open">Opens it.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public static async Task OpenAsync(Func<Task> open, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
            try
            {
                await open().ConfigureAwait(false);
                return;
            }
            catch (PostgresException e) when (IsFull(e) && attempt < Delays.Length)
            {
                await Task.Delay(Delays[attempt], cancellationToken).ConfigureAwait(false);
            }
    }

    /// <summary>Opens a connection. Blocks the thread.</summary>
    /// <param name="open">Opens it.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public static T Open<T>(Func<T> open, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
            try
            {
                return open();
            }
            catch (PostgresException e) when (IsFull(e) && attempt < Delays.Length)
            {
                cancellationToken.WaitHandle.WaitOne(Delays[attempt]);
                cancellationToken.ThrowIfCancellationRequested();
            }
    }

    private static bool IsFull(PostgresException e) => e.SqlState == PostgresErrorCodes.TooManyConnections;
}
