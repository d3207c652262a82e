using Nebula.Connectors.ObjectStores;

namespace Nebula.Connectors.Files;

/// <summary>
/// A stream that comes only once (standard input, a pipe) but whose beginning is read several times: what is sampled is kept, and given out again.
/// </summary>
internal sealed class ReplayStream(Stream inner) : IDisposable
{
    private readonly MemoryStream _kept = new();
    private bool _isLast;

    /// <summary>Starts again from the beginning. Streams given out before must not be used any more.</summary>
    /// <param name="isLast">Whether nobody will start again after this, so that nothing more need be kept.</param>
    public Stream Rewind(bool isLast)
    {
        ObjectDisposedException.ThrowIf(_isLast, this);
        _isLast = isLast;
        _kept.Position = 0;
        return new View(this);
    }

    /// <summary>Ends a read that waits.</summary>
    public void Interrupt() => (inner as IInterruptible)?.Interrupt();

    public void Dispose()
    {
        _kept.Dispose();
        inner.Dispose();
    }

    private sealed class View(ReplayStream owner) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            var replayed = owner._kept.Read(buffer);
            if (replayed > 0 || buffer.IsEmpty)
                return replayed;
            var count = owner.ReadOn(buffer);
            if (!owner._isLast)
                owner._kept.Write(buffer[..count]);
            return count;
        }
    }

    private int ReadOn(Span<byte> buffer) => inner.Read(buffer);
}
