using System.Net.Sockets;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>Reads ranges of an object, all of the same version. A range whose connection breaks, or falls silent, goes on where it broke.</summary>
/// <param name="backend">Where the object is.</param>
/// <param name="target">The object.</param>
internal sealed class RangeReader(IRemoteBackend backend, RemoteObject target)
{
    private const int MostBreaks = 8;

    // streams of the services' libraries read into arrays only: the base class then rents one of the size that is asked for, from the managed heap
    private const int MostAtOnce = 64 << 10;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    /// <summary>The object's bytes.</summary>
    public long Length => target.Size;

    /// <summary>The object, for messages.</summary>
    public string Path => $"{backend.Root}/{target.Key}";

    /// <summary>Fills a buffer.</summary>
    /// <param name="offset">Where the bytes start; all of them are within the object.</param>
    /// <param name="buffer">Is filled whole.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    /// <exception cref="NebulaException">The object has changed or cannot be read.</exception>
    public async Task FillAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var filled = 0;
        for (var breaks = 0; filled < buffer.Length;)
            try
            {
                filled += await ReadAsync(offset + filled, buffer[filled..], count => filled += count, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsBreak(e) && !cancellationToken.IsCancellationRequested)
            {
                if (++breaks > MostBreaks)
                    throw new NebulaException(ErrorKind.Transient,
                        $"'{Path}' cannot be read: the connection broke {breaks} times while bytes {offset} to {offset + buffer.Length} "
                        + $"were read, the last time at byte {offset + filled}: {e.Message}", inner: e);
                await Task.Delay(FirstPause * (1 << Math.Min(breaks - 1, 6)), cancellationToken).ConfigureAwait(false);
            }
    }

    private static bool IsBreak(Exception e) => e is IOException or HttpRequestException or SocketException or OperationCanceledException or TimeoutException;

    private async Task<int> ReadAsync(long offset, Memory<byte> buffer, Action<int> beforeBreak, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var body = await backend.OpenRangeAsync(target, offset, buffer.Length, cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            var filled = 0;
            try
            {
                while (filled < buffer.Length)
                {
                    silence.CancelAfter(LongestSilence);
                    var count = await body.ReadAsync(buffer.Slice(filled, Math.Min(MostAtOnce, buffer.Length - filled)), silence.Token).ConfigureAwait(false);
                    if (count == 0)
                        throw new IOException("the answer ended early");
                    filled += count;
                }
                return filled;
            }
            catch
            {
                beforeBreak(filled);
                throw;
            }
        }
    }
}
