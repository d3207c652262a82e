using Nebula.Connectors.Files;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.Local;

/// <summary>A file that has all the bytes it had when it was looked at, and perhaps more: one that ends before was cut off meanwhile.</summary>
/// <param name="stream">The file, open.</param>
/// <param name="path">Its path.</param>
/// <param name="size">Bytes that it had.</param>
internal sealed class WholeFile(FileStream stream, string path, long size) : ReadOnlyStream
{
    public override int Read(Span<byte> buffer)
    {
        var count = stream.Read(buffer);
        if (count == 0 && buffer.Length > 0 && stream.Position < size)
            throw new NebulaException(ErrorKind.Data,
                $"'{path}' became shorter while it was read: it had {size:N0} bytes, and ends after {stream.Position:N0}. "
                + "Run again, when nobody writes to it any more.");
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            stream.Dispose();
        base.Dispose(disposing);
    }
}
