using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Avro.Reading.Content;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>Fetches blocks of a file in order and decodes them in any.</summary>
internal sealed unsafe class AvroReader : IContainerReader
{
    // Blocks up to so many times the size wanted are fetched whole; larger ones are decoded while they are read.
    private const int WholeFactor = 4;

    // The header of a block must fit.
    private const int LeastFetch = 256;
    private readonly IRandomAccess _file;
    private readonly AvroHeader _header;
    private readonly AvroProgram _program;
    private readonly ReadContext _context;
    private readonly long _start;
    private readonly long _end;
    private PooledBuffer? _carry;
    private long _at;
    private int _index;
    private long _firstRow;

    /// <summary>Makes a reader.</summary>
    /// <param name="file">The file.</param>
    /// <param name="header">Its header.</param>
    /// <param name="program">What to do with records.</param>
    /// <param name="first">The first block: position, offset, rows before it.</param>
    /// <param name="end">Where the last block ends.</param>
    /// <param name="context">Block size and pool.</param>
    public AvroReader(IRandomAccess file, AvroHeader header, AvroProgram program, (int Index, long Offset, long FirstRow) first, long end, ReadContext context)
    {
        _file = file;
        _header = header;
        _program = program;
        _context = context;
        _end = end;
        (_index, _at, _firstRow) = first;
        _start = _at;
    }

    /// <inheritdoc/>
    public long BytesRead => Volatile.Read(ref _at) - _start;

    /// <inheritdoc/>
    public RawBlock? Next()
    {
        if (_at >= _end)
            return null;
        var start = _at;
        var buffer = Fetch(_context.BlockSize);
        try
        {
            var blocks = new List<AvroBlock>();
            while (_at < _end && TryTake(buffer, start, out var block))
                blocks.Add(block);
            if (blocks.Count == 0)
            {
                var first = ReadFirst(buffer, start);
                if (first.DataLength > (long)WholeFactor * _context.BlockSize)
                {
                    Keep(buffer, start, start);
                    buffer.Length = 0;
                    var direct = ReadLarge(first);
                    return new RawBlock(buffer, new SourcePosition(_file.Name, start)) { Detail = direct };
                }
                Keep(buffer, start, start);
                buffer.Dispose();
                buffer = Fetch((int)(first.End - start));
                if (!TryTake(buffer, start, out first))
                    throw new InvalidOperationException("A block is not whole though all its bytes are there.");
                blocks.Add(first);
            }
            Keep(buffer, start, _at);
            return new RawBlock(buffer, new SourcePosition(_file.Name, start)) { Detail = new AvroBlocks(blocks, start) };
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        using var session = new AvroDecodeSession(_program, _header.Codec, _file, _context, sink);
        var blocks = (AvroBlocks)block.Detail!;
        foreach (var part in blocks.Blocks)
        {
            using var input = blocks.BufferOffset >= 0
                ? new AvroInput(block.Buffer.Pointer + (part.DataOffset - blocks.BufferOffset), (int)part.DataLength)
                : new AvroInput(_file, part.DataOffset, part.DataLength, _context.Pool);
            session.Decode(part, input);
        }
        session.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _carry?.Dispose();

    /// <summary>The bytes from where the reader stands: those read before, and more behind them up to a size.</summary>
    private PooledBuffer Fetch(int size)
    {
        var kept = _carry?.Length ?? 0;
        var buffer = _context.Pool.Rent((int)Math.Min(Math.Max(Math.Max(size, kept), LeastFetch), _end - _at));
        try
        {
            buffer.Length = (int)Math.Min(buffer.Capacity, _end - _at);
            _carry?.Content.CopyTo(buffer.Span);
            if (buffer.Length > kept)
                _file.Read(_at + kept, buffer.Content[kept..]);
            _carry?.Dispose();
            _carry = null;
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Takes the next block out of the buffer, if it is all there.</summary>
    private bool TryTake(PooledBuffer buffer, long start, out AvroBlock block)
    {
        block = default;
        var bytes = buffer.Content[(int)(_at - start)..];
        if (AvroBlockIndex.TryRead(bytes, _at, _index, _firstRow, _file) is not { } read)
            return false;
        if (read.End - start > buffer.Length)
            return false;
        AvroBlockIndex.CheckMarker(buffer.Content.Slice((int)(read.End - start) - AvroHeader.MarkerSize, AvroHeader.MarkerSize), _header, read, _file.Name);
        block = read;
        Advance(read);
        return true;
    }

    private AvroBlock ReadFirst(PooledBuffer buffer, long start) => AvroBlockIndex.TryRead(buffer.Content, start, _index, _firstRow, _file)
        ?? throw new DataFormatException("The Avro file is corrupt: it ends within the header of a block. It was cut off: fetch or write it again.",
            new SourceLocation(_file.Name, ByteOffset: start));

    /// <summary>Checks a large block without fetching its data.</summary>
    private AvroBlocks ReadLarge(AvroBlock block)
    {
        Span<byte> marker = stackalloc byte[AvroHeader.MarkerSize];
        _file.Read(block.End - marker.Length, marker);
        AvroBlockIndex.CheckMarker(marker, _header, block, _file.Name);
        _carry?.Dispose();
        _carry = null;
        Advance(block);
        return new AvroBlocks([block], -1);
    }

    private void Advance(AvroBlock block)
    {
        _at = block.End;
        _index++;
        _firstRow += block.Rows;
    }

    /// <summary>Keeps what was read too far for the next block.</summary>
    private void Keep(PooledBuffer buffer, long start, long from)
    {
        var rest = buffer.Content[(int)(from - start)..];
        if (rest.IsEmpty)
            return;
        _carry = _context.Pool.Rent(rest.Length);
        _carry.Length = rest.Length;
        rest.CopyTo(_carry.Span);
    }
}
