using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Reads byte arrays of a page in any encoding but a dictionary: PLAIN, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY and, of fixed length,
/// BYTE_STREAM_SPLIT.</summary>
/// <param name="fixedLength">Bytes that every value has; -1 when each has its own length.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class ByteArrayReader(int fixedLength, BufferPool pool) : IDisposable
{
    private const int Piece = 1024;
    private readonly ByteArrayBuffer _previous = new(pool);
    private PageEncoding _encoding;
    private byte* _start;
    private byte* _at;
    private byte* _end;
    private DeltaBinaryPackedReader _prefixes;
    private DeltaBinaryPackedReader _lengths;
    private ByteStreamSplitReader _streams;

    /// <summary>Starts a page.</summary>
    /// <param name="encoding">Encoding of its values.</param>
    /// <param name="start">First byte of its values.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <exception cref="ParquetFault">The encoding cannot hold such values, or the page is damaged.</exception>
    public void Start(PageEncoding encoding, byte* start, byte* end)
    {
        _encoding = encoding;
        _start = _at = start;
        _end = end;
        _previous.Clear();
        _previous.ReserveBytes(0, 0);
        switch (encoding)
        {
            case PageEncoding.Plain:
                break;
            case PageEncoding.ByteStreamSplit when fixedLength > 0:
                _streams = new ByteStreamSplitReader(start, end, fixedLength);
                break;
            case PageEncoding.DeltaLengthByteArray when fixedLength < 0:
                StartLengths(start);
                break;
            case PageEncoding.DeltaByteArray:
                _prefixes = new DeltaBinaryPackedReader(start, end);
                var behind = _prefixes;
                StartLengths(behind.SkipAll());
                break;
            default:
                throw new ParquetFault($"byte arrays are encoded as {encoding}, which is not possible", 0);
        }
    }

    /// <summary>Reads values.</summary>
    /// <param name="target">Takes them.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many, or one is damaged.</exception>
    public void Read(ByteArrayBuffer target, int count)
    {
        target.ReserveValues(count);
        // short copies write even where nothing is to be copied
        target.ReserveBytes(target.Length, 0);
        switch (_encoding)
        {
            case PageEncoding.Plain when fixedLength < 0:
                ReadPlain(target, count);
                break;
            case PageEncoding.Plain or PageEncoding.ByteStreamSplit:
                ReadFixed(target, count);
                break;
            default:
                ReadDelta(target, count);
                break;
        }
        target.Advance(count);
    }

    /// <summary>How many of the next values fit into a number of bytes; at least one.</summary>
    /// <param name="count">Number of values looked at.</param>
    /// <param name="bytes">The number of bytes.</param>
    public int CountWithin(int count, long bytes)
    {
        if (_encoding != PageEncoding.DeltaByteArray || _at is null)
            return count;
        var prefixes = _prefixes;
        var lengths = _lengths;
        var looked = Math.Min(count, Math.Min(prefixes.Remaining, lengths.Remaining));
        int* prefix = stackalloc int[Piece];
        int* length = stackalloc int[Piece];
        for (var done = 0; done < looked; done += Piece)
        {
            var piece = Math.Min(Piece, looked - done);
            prefixes.Read(prefix, piece);
            lengths.Read(length, piece);
            for (var i = 0; i < piece; i++)
                if ((bytes -= (uint)prefix[i] + (long)(uint)length[i]) < 0)
                    return Math.Max(done + i, 1);
        }
        return count;
    }

    /// <summary>Returns the buffers.</summary>
    public void Dispose() => _previous.Dispose();

    private void StartLengths(byte* start)
    {
        _lengths = new DeltaBinaryPackedReader(start, _end);
        var behind = _lengths;
        _at = behind.SkipAll();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadPlain(ByteArrayBuffer target, int count)
    {
        var at = _at;
        var end = _end;
        var offsets = target.Offsets + target.Count;
        var bytes = target.Bytes;
        var capacity = target.Capacity;
        var used = target.Length;
        for (var i = 1; i <= count; i++)
        {
            if (end - at < sizeof(int))
                throw Fault(at, "there are fewer values than announced");
            var length = Unsafe.ReadUnaligned<uint>(at);
            at += sizeof(int);
            if (length > (ulong)(end - at))
                throw Fault(at, $"a value of {length} bytes is announced where {end - at} are left");
            if (length > (uint)(capacity - used))
            {
                target.ReserveBytes(used, length);
                bytes = target.Bytes;
                capacity = target.Capacity;
            }
            if (length <= 16)
                Vector128.Load(at).Store(bytes + used);
            else
                Unsafe.CopyBlockUnaligned(bytes + used, at, length);
            used += (int)length;
            at += length;
            offsets[i] = used;
        }
        _at = at;
    }

    private void ReadFixed(ByteArrayBuffer target, int count)
    {
        var bytes = (long)count * fixedLength;
        if (_encoding == PageEncoding.Plain && bytes > _end - _at)
            throw Fault(_at, "there are fewer values than announced");
        if (_encoding == PageEncoding.ByteStreamSplit)
            _streams.Require(count);
        target.ReserveBytes(target.Length, bytes);
        if (_encoding == PageEncoding.Plain)
        {
            Buffer.MemoryCopy(_at, target.Bytes + target.Length, bytes, bytes);
            _at += bytes;
        }
        else
            _streams.Read(target.Bytes + target.Length, count);
        var offsets = target.Offsets + target.Count;
        for (var i = 1; i <= count; i++)
            offsets[i] = offsets[i - 1] + fixedLength;
    }

    private void ReadDelta(ByteArrayBuffer target, int count)
    {
        int* prefix = stackalloc int[Piece];
        int* length = stackalloc int[Piece];
        var offsets = target.Offsets + target.Count;
        var used = target.Length;
        var previousLength = _previous.Length;
        var previous = _previous.Bytes;
        for (var done = 0; done < count; done += Piece)
        {
            var piece = Math.Min(Piece, count - done);
            if (_encoding == PageEncoding.DeltaByteArray)
                _prefixes.Read(prefix, piece);
            else
                new Span<int>(prefix, piece).Clear();
            _lengths.Read(length, piece);
            for (var i = 0; i < piece; i++)
            {
                if ((uint)prefix[i] > (uint)previousLength)
                    throw Fault(_at, $"a value begins with {prefix[i]} bytes of the one before, which has {previousLength}");
                if ((uint)length[i] > (ulong)(_end - _at))
                    throw Fault(_at, $"a value of {length[i]} bytes is announced where {_end - _at} are left");
                var whole = prefix[i] + (long)length[i];
                if (fixedLength >= 0 && whole != fixedLength)
                    throw Fault(_at, $"a value has {whole} bytes where all have {fixedLength}");
                if (whole > target.Capacity - used)
                {
                    var isInTarget = done + i > 0;
                    target.ReserveBytes(used, whole);
                    if (isInTarget)
                        previous = target.Bytes + used - previousLength;
                }
                var into = target.Bytes + used;
                Copy(into, previous, prefix[i]);
                Copy(into + prefix[i], _at, length[i]);
                previous = into;
                previousLength = (int)whole;
                _at += length[i];
                used += (int)whole;
                offsets[done + i + 1] = used;
            }
        }
        if (_encoding == PageEncoding.DeltaByteArray && count > 0)
            Remember(previous, previousLength);
    }

    /// <summary>Keeps the last value for the first of the next call.</summary>
    private void Remember(byte* value, int length)
    {
        _previous.Clear();
        _previous.ReserveValues(1);
        _previous.ReserveBytes(0, length);
        Buffer.MemoryCopy(value, _previous.Bytes, length, length);
        _previous.Offsets[1] = length;
        _previous.Advance(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(byte* target, byte* source, int length)
    {
        if (length <= 16)
            Vector128.Load(source).Store(target);
        else
            Unsafe.CopyBlockUnaligned(target, source, (uint)length);
    }

    private ParquetFault Fault(byte* at, string reason) => new(reason, at - _start);
}
