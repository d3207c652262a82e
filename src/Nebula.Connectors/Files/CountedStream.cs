namespace Nebula.Connectors.Files;

/// <summary>A stream that can tell how many stored bytes were read, whatever is decoded on top of it.</summary>
internal sealed class CountedStream : ReadOnlyStream
{
    private readonly Counter _stored;
    private readonly Stream _content;

    /// <param name="stored">The bytes as stored.</param>
    /// <param name="decode">Puts decoders on top; nothing when left out.</param>
    public CountedStream(Stream stored, Func<Stream, Stream>? decode = null)
    {
        _stored = new Counter(stored);
        _content = decode is null ? _stored : decode(_stored);
    }

    /// <summary>Stored bytes read so far.</summary>
    public long StoredBytesRead => _stored.Count;

    public override int Read(Span<byte> buffer) => _content.Read(buffer);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content.Dispose();
            _stored.Dispose();
        }
        base.Dispose(disposing);
    }

    private sealed class Counter(Stream inner) : ReadOnlyStream
    {
        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public override int Read(Span<byte> buffer)
        {
            var count = inner.Read(buffer);
            Interlocked.Add(ref _count, count);
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
