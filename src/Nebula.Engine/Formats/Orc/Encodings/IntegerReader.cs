using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Reads integers that are run length encoded; the versions differ in how a run is decoded.</summary>
/// <param name="stream">The encoded bytes. Stays the caller's.</param>
/// <param name="isSigned">Whether values are zigzag-coded.</param>
/// <param name="pool">Where working memory comes from.</param>
internal abstract unsafe class IntegerReader(ByteStream stream, bool isSigned, BufferPool pool) : IDisposable
{
    /// <summary>Most values of a run.</summary>
    protected const int MaxRunLength = 512;

    private const int SliceLength = 4096;
    private PooledBuffer? _run;
    private PooledBuffer? _slice;
    private int _runPosition;
    private int _runLength;
    private long _values;
    private RunPosition _end;

    /// <summary>The encoded bytes.</summary>
    protected ByteStream Stream => stream;

    /// <summary>Whether values are zigzag-coded.</summary>
    protected bool IsSigned => isSigned;

    /// <summary>Reads values. Unsigned ones above 2^63 - 1 appear negative.</summary>
    /// <param name="target">Where they go; <see cref="BufferPool.Padding"/> bytes behind them may be overwritten.</param>
    /// <param name="count">How many.</param>
    public void Read(long* target, int count)
    {
        while (count > 0)
        {
            if (_runPosition < _runLength)
            {
                var step = Math.Min(count, _runLength - _runPosition);
                new ReadOnlySpan<long>((long*)_run!.Pointer + _runPosition, step).CopyTo(new Span<long>(target, step));
                _runPosition += step;
                Took(ref target, ref count, step);
                continue;
            }
            _end.RunStarts(stream, _values);
            if (count >= MaxRunLength)
            {
                Took(ref target, ref count, DecodeRun(target));
                continue;
            }
            _run ??= pool.Rent(MaxRunLength * sizeof(long));
            _runPosition = 0;
            _runLength = 0;
            _runLength = DecodeRun((long*)_run.Pointer);
        }
    }

    /// <summary>Reads values of 32 bits.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">How many.</param>
    public void Read(int* target, int count)
    {
        for (var step = 0; count > 0; count -= step, target += step)
        {
            step = Math.Min(count, SliceLength);
            var outside = 0L;
            var i = 0;
            var slice = ReadSlice(step);
            for (; i + Vector<int>.Count <= step; i += Vector<int>.Count)
            {
                var (low, high) = (Vector.Load(slice + i), Vector.Load(slice + i + Vector<long>.Count));
                var narrow = Vector.Narrow(low, high);
                narrow.Store(target + i);
                Vector.Widen(narrow, out var lowAgain, out var highAgain);
                if ((low ^ lowAgain | high ^ highAgain) != Vector<long>.Zero)
                    outside = 1;
            }
            for (; i < step; i++)
            {
                target[i] = (int)slice[i];
                outside |= slice[i] ^ target[i];
            }
            if (outside != 0)
                throw Outside<int>(slice, step);
        }
    }

    /// <summary>Reads values of 16 bits.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">How many.</param>
    public void Read(short* target, int count)
    {
        for (var step = 0; count > 0; count -= step, target += step)
        {
            step = Math.Min(count, SliceLength);
            var outside = 0L;
            var slice = ReadSlice(step);
            for (var i = 0; i < step; i++)
            {
                target[i] = (short)slice[i];
                outside |= slice[i] ^ target[i];
            }
            if (outside != 0)
                throw Outside<short>(slice, step);
        }
    }

    /// <summary>Leaves out values.</summary>
    /// <param name="count">How many.</param>
    public void Skip(long count)
    {
        for (; count > 0; count -= SliceLength)
            ReadSlice((int)Math.Min(count, SliceLength));
    }

    /// <summary>Says where reading must end; see <see cref="VerifyEnd"/>.</summary>
    /// <param name="values">Values from the stream's mark on that belong to this row group.</param>
    public void ExpectEnd(long values) => _end.Expect(values);

    /// <summary>Checks that reading ended where it must.</summary>
    public void VerifyEnd() => _end.Verify(stream, _values, _runPosition == _runLength);

    /// <inheritdoc/>
    public void Dispose()
    {
        _run?.Dispose();
        _slice?.Dispose();
    }

    /// <summary>Decodes the next run.</summary>
    /// <param name="target">Where its values go; there is room for <see cref="MaxRunLength"/> and the padding of a buffer.</param>
    /// <returns>Number of values, at least 1.</returns>
    protected abstract int DecodeRun(long* target);

    private static OrcFault Outside<T>(long* values, int count) where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        foreach (var value in new ReadOnlySpan<long>(values, count))
            if (value < long.CreateChecked(T.MinValue) || value > long.CreateChecked(T.MaxValue))
                return new OrcFault($"the value {value} does not fit {8 * sizeof(T)} bits");
        throw new System.Diagnostics.UnreachableException();
    }

    private void Took(ref long* target, ref int count, int step)
    {
        target += step;
        count -= step;
        _values += step;
    }

    private long* ReadSlice(int count)
    {
        _slice ??= pool.Rent(SliceLength * sizeof(long));
        Read((long*)_slice.Pointer, count);
        return (long*)_slice.Pointer;
    }
}
