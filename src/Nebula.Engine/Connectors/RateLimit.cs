using System.Collections.Concurrent;

namespace Nebula.Engine.Connectors;

/// <summary>
/// The bytes that may go over a connection in a second, in both directions, of all who use it in this process together. Whoever moves bytes takes them here
/// and waits until it is their turn: first come, first served. After a pause a tenth of a second's bytes go at once. Safe for use by several threads.
/// </summary>
public sealed class RateLimit
{
    private const string OptionName = "limits.max_bytes_per_second";

    private const int LargestPiece = 1 << 20;
    private const int BurstsPerSecond = 10;
    private static readonly ConcurrentDictionary<(string Place, long BytesPerSecond), RateLimit> Limits = new();
    private readonly TimeProvider _time;
    private readonly long _bytesPerSecond;
    private readonly long _burst;
    private readonly Lock _lock = new();
    private long _free;

    /// <summary>Makes a limit that is nobody else's.</summary>
    /// <param name="bytesPerSecond">Bytes in a second, 1 or more.</param>
    /// <param name="time">The clock.</param>
    internal RateLimit(long bytesPerSecond, TimeProvider time)
    {
        (_bytesPerSecond, _time) = (bytesPerSecond, time);
        _burst = time.TimestampFrequency / BurstsPerSecond;
        _free = time.GetTimestamp() - _burst;
    }

    /// <summary>What users set it with, for the options of a connector that keeps to it.</summary>
    public static OptionDescriptor Option { get; } = new(OptionName, OptionKind.Size,
        "Most bytes that are read from and written to the connection in a second, 1KB or more, by all who use it in a process together; no limit when not set.")
    {
        // less would not even do for logging in and asking for columns
        Least = "1KB",
    };

    /// <summary>Most bytes to move at a time, so that they flow evenly; 1 or more.</summary>
    public int Piece => (int)Math.Clamp(_bytesPerSecond / BurstsPerSecond, 1, LargestPiece);

    /// <summary>Finds the limit that a user set: one for all connections of the process to the same place that have the same number.</summary>
    /// <param name="options">What was set.</param>
    /// <param name="place">Where the connection leads; the same text is the same place.</param>
    /// <returns>Null where none is set, or the connector has no such option.</returns>
    public static RateLimit? Of(OptionValues options, string place) => options.IsSet(OptionName) && options.Size(OptionName) is { } bytes
        ? Limits.GetOrAdd((place, bytes), static key => new RateLimit(key.BytesPerSecond, TimeProvider.System)) : null;

    /// <summary>Waits until bytes may move.</summary>
    /// <param name="bytes">Their number, better not more than a <see cref="Piece"/>.</param>
    /// <param name="cancellationToken">Stops the wait. The bytes count as moved.</param>
    /// <exception cref="OperationCanceledException">The wait was stopped.</exception>
    public Task TakeAsync(int bytes, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken)
        : Book(bytes) is var wait && wait > TimeSpan.Zero ? Task.Delay(wait, _time, cancellationToken) : Task.CompletedTask;

    /// <summary>Blocks the thread until bytes may move.</summary>
    /// <param name="bytes">Their number, better not more than a <see cref="Piece"/>.</param>
    /// <param name="cancellationToken">Stops the wait. The bytes count as moved.</param>
    /// <exception cref="OperationCanceledException">The wait was stopped.</exception>
    public void Take(int bytes, CancellationToken cancellationToken) => TakeAsync(bytes, cancellationToken).GetAwaiter().GetResult();

    /// <summary>The time that bytes take if nobody else moves any.</summary>
    /// <param name="bytes">Their number.</param>
    public TimeSpan TimeOf(long bytes) => TimeSpan.FromSeconds((double)bytes / _bytesPerSecond);

    /// <summary>Gives bytes their turn behind all that were given one before.</summary>
    /// <returns>How long it is until then.</returns>
    private TimeSpan Book(int bytes)
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            // what was not used before counts only so far
            _free = Math.Max(_free, now - _burst) + (long)Math.Ceiling((double)bytes * _time.TimestampFrequency / _bytesPerSecond);
            return _time.GetElapsedTime(now, _free);
        }
    }
}
