using System.Text;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Reads one file of a text format as blocks of whole records, in UTF-8.</summary>
internal sealed class TextBlocks : IDisposable
{
    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];
    private readonly IRecordSplitter _splitter;
    private readonly CountedStream _counted;
    private readonly Stream _stream;
    private readonly BufferPool _pool;
    private readonly StoredObject _file;
    private readonly int _fileIndex;
    private readonly int _blockSize;
    private readonly int _maxRecordSize;
    private readonly bool _preferLatency;
    private readonly bool _sampleOnly;
    private readonly FileRange? _range;
    private long _left = long.MaxValue;
    private PooledBuffer? _rest;
    private long _offset;
    private bool _ended;
    private bool _started;

    /// <param name="format">The format.</param>
    /// <param name="dialect">How the file is written.</param>
    /// <param name="file">The file.</param>
    /// <param name="fileIndex">Which of its chunk's files it is.</param>
    /// <param name="opener">Opens it.</param>
    /// <param name="context">Block size and pool.</param>
    /// <param name="sampleOnly">Whether only the first block is wanted, as large as it comes; the file will be opened again.</param>
    /// <param name="range">The part of the file that is wanted, which starts with a record; null for all of it.</param>
    public TextBlocks(
        ITextFormat format, IReadOnlyDictionary<string, string> dialect, StoredObject file, int fileIndex, FileOpener opener, ReadContext context,
        bool sampleOnly, FileRange? range = null)
    {
        _splitter = format.CreateSplitter(dialect, file.Name, inside: range is { Start: > 0 });
        _range = range;
        _file = file;
        _fileIndex = fileIndex;
        _pool = context.Pool;
        _blockSize = context.BlockSize;
        _maxRecordSize = context.MaxRecordSize;
        _preferLatency = context.PreferLatency;
        _sampleOnly = sampleOnly;
        if (range is { } wanted)
        {
            _offset = wanted.Start;
            _left = wanted.End - wanted.Start;
            _counted = opener.OpenAt(file, wanted.Start);
        }
        else
            _counted = opener.Open(file, sampleOnly);
        _stream = format.EncodingOf(dialect) is { } encoding
            ? Encoding.CreateTranscodingStream(_counted, encoding, new UTF8Encoding(false), leaveOpen: true)
            : _counted;
    }

    /// <summary>Stored bytes read so far.</summary>
    public long BytesRead => _counted.StoredBytesRead;

    /// <summary>Reads on until a buffer is full or the input ends.</summary>
    /// <returns>Bytes read.</returns>
    public static int Fill(Stream stream, Span<byte> buffer)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var count = stream.Read(buffer[total..]);
            if (count == 0)
                break;
            total += count;
        }
        return total;
    }

    /// <summary>Reads the next block.</summary>
    /// <returns>The block, which the caller disposes of; null at the end of the file.</returns>
    /// <exception cref="DataFormatException">The bytes cannot be cut into records; lines are counted from the last cut.</exception>
    public RawBlock? Next()
    {
        if (_ended && _rest is null)
            return null;
        var buffer = _rest ?? _pool.Rent(_blockSize);
        _rest = null;
        try
        {
            while (true)
            {
                Read(buffer);
                if (_ended && buffer.Length == 0)
                {
                    buffer.Dispose();
                    return null;
                }
                var isEnd = _ended && _range is not { EndsFile: false };
                var cut = _splitter.FindBoundary(buffer.Content, isEnd, out var context);
                if (_ended && !isEnd && cut < buffer.Length)
                    throw new SchemaContradictionException(
                        "The file was split inside of a record, which looks like several from outside. It is read in one piece instead.",
                        new SourceLocation(_file.Name, ByteOffset: _offset + cut));
                if (cut == 0 && _ended)
                {
                    buffer.Dispose();
                    return null;
                }
                if (cut > 0)
                {
                    KeepRest(buffer, cut);
                    var block = new RawBlock(buffer, new SourcePosition(_file.Name, _offset, _fileIndex)) { Context = context };
                    _offset += cut;
                    return block;
                }
                if (_sampleOnly && buffer.Length >= _maxRecordSize)
                {
                    buffer.Dispose();
                    return null;
                }
                if (buffer.Length == buffer.Capacity)
                    buffer = Enlarge(buffer);
            }
        }
        catch (DecoderFallbackException e)
        {
            buffer.Dispose();
            throw new DataFormatException(
                $"the text is not in the encoding it was taken for: {Unreadable(e)} no character of it. Set 'encoding'.",
                new SourceLocation(_file.Name, ByteOffset: _offset), e);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _rest?.Dispose();
        if (_stream != _counted)
            _stream.Dispose();
        _counted.Dispose();
    }

    private void Read(PooledBuffer buffer)
    {
        // behind the end of a giant record the next ones would only be held for nothing
        var room = buffer.Span.Slice(buffer.Length, (int)Math.Min(_left, Math.Min(buffer.Capacity - buffer.Length, Math.Max(_blockSize, buffer.Length / 4))));
        if (_ended || room.IsEmpty)
            return;
        if (_preferLatency && _started)
        {
            var count = _stream.Read(room);
            Count(count, count == 0);
            return;
        }
        var read = Fill(_stream, room);
        Count(read, read < room.Length);
        if (!_started)
        {
            _started = true;
            if (buffer.Content.StartsWith(ByteOrderMark))
            {
                buffer.Content[3..].CopyTo(buffer.Span);
                buffer.Length -= 3;
                _offset = 3;
            }
        }

        void Count(int bytes, bool isEnd)
        {
            buffer.Length += bytes;
            _left -= bytes;
            if (isEnd && _range is { } range && _left > 0)
                throw new DataFormatException(
                    $"the file became shorter while it was read: it should have {range.End} bytes or more. Run again.",
                    new SourceLocation(_file.Name, ByteOffset: range.End - _left));
            _ended = isEnd || _left == 0;
        }
    }

    private void KeepRest(PooledBuffer buffer, int cut)
    {
        var rest = buffer.Content[cut..];
        if (rest.Length > 0)
        {
            _rest = _pool.Rent(Math.Max(_blockSize, rest.Length + 1));
            rest.CopyTo(_rest.Span);
            _rest.Length = rest.Length;
        }
        buffer.Length = cut;
    }

    private static string Unreadable(DecoderFallbackException error) => error.BytesUnknown switch
    {
        [var single] => $"the byte {single:X2} is",
        { Length: > 0 } several => $"the bytes {Convert.ToHexString(several)} are",
        _ => "some bytes are",
    };

    private PooledBuffer Enlarge(PooledBuffer buffer)
    {
        if (buffer.Length >= _maxRecordSize)
            throw new DataFormatException(
                $"the record that starts here is larger than {Units.FormatSize(_maxRecordSize)}, the most that the memory limit allows. "
                + "If it should not be, a quote or bracket in it is probably not closed; if it should, raise 'memory'.",
                new SourceLocation(_file.Name, 1, ByteOffset: _offset));
        var larger = _pool.Rent((int)Math.Min(Math.Max(buffer.Capacity * 2L, _blockSize), Math.Max(_maxRecordSize, buffer.Capacity + 1)));
        buffer.Content.CopyTo(larger.Span);
        larger.Length = buffer.Length;
        buffer.Dispose();
        return larger;
    }
}
