using Nebula.Connectors.Files;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file that is read no faster than a limit allows.</summary>
/// <param name="inner">The file, which this owns.</param>
/// <param name="limit">The limit.</param>
/// <param name="cancellationToken">Ends reads that wait, and later ones.</param>
internal sealed class LimitedInput(Stream inner, RateLimit limit, CancellationToken cancellationToken) : ReadOnlyStream, IInterruptible
{
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    public override int Read(Span<byte> buffer)
    {
        var count = inner.Read(buffer[..Math.Min(buffer.Length, limit.Piece)]);
        limit.Take(count, _stop.Token);
        return count;
    }

    public void Interrupt()
    {
        (inner as IInterruptible)?.Interrupt();
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // it has ended meanwhile
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            _stop.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>A file that is read in any order, no faster than a limit allows.</summary>
/// <param name="inner">The file, which this owns.</param>
/// <param name="limit">The limit.</param>
/// <param name="cancellationToken">Ends reads that wait, and later ones.</param>
internal sealed class LimitedBytes(IRandomAccess inner, RateLimit limit, CancellationToken cancellationToken) : IRandomAccess
{
    public string Name => inner.Name;

    public long Length => inner.Length;

    public void Read(long offset, Span<byte> target)
    {
        while (target.Length > limit.Piece)
        {
            ReadPiece(offset, target[..limit.Piece]);
            offset += limit.Piece;
            target = target[limit.Piece..];
        }
        ReadPiece(offset, target);
    }

    public void Dispose() => inner.Dispose();

    private void ReadPiece(long offset, Span<byte> target)
    {
        inner.Read(offset, target);
        limit.Take(target.Length, cancellationToken);
    }
}

/// <summary>A file that is written no faster than a limit allows.</summary>
/// <param name="inner">The file, which this owns.</param>
/// <param name="limit">The limit.</param>
internal sealed class LimitedOutput(IStagedObject inner, RateLimit limit) : IStagedObject
{
    // whoever interrupts may come when it is disposed of: nothing of it has to be
    private readonly CancellationTokenSource _stop = new();

    public string Location => inner.Location;

    public long Length => inner.Length;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, limit.Piece);
            limit.Take(count, _stop.Token);
            inner.Write(bytes[..count]);
            bytes = bytes[count..];
        }
    }

    public void Flush() => inner.Flush();

    public void Complete() => inner.Complete();

    public void Interrupt()
    {
        _stop.Cancel();
        inner.Interrupt();
    }

    public void Dispose() => inner.Dispose();
}
