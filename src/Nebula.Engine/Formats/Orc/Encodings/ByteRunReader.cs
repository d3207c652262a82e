using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Reads bytes that are run length encoded (ORC v1, "Byte Run Length Encoding").</summary>
/// <param name="stream">The encoded bytes. Stays the caller's.</param>
internal sealed unsafe class ByteRunReader(ByteStream stream)
{
    private const int MinRunLength = 3;
    private int _left;
    private bool _isLiteral;
    private byte _value;
    private long _values;
    private RunPosition _end;

    /// <summary>The encoded bytes.</summary>
    public ByteStream Stream => stream;

    /// <summary>Reads values.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">How many.</param>
    public void Read(byte* target, long count)
    {
        _values += count;
        while (count > 0)
        {
            if (_left == 0)
                NextRun(_values - count);
            var step = Math.Min(_left, count);
            if (_isLiteral)
                stream.CopyTo(target, step);
            else
                new Span<byte>(target, (int)step).Fill(_value);
            target += step;
            count -= step;
            _left -= (int)step;
        }
    }

    /// <summary>Leaves out values.</summary>
    /// <param name="count">How many.</param>
    public void Skip(long count)
    {
        Span<byte> ignored = stackalloc byte[256];
        fixed (byte* target = ignored)
            for (; count > 0; count -= ignored.Length)
                Read(target, Math.Min(count, ignored.Length));
    }

    /// <summary>Says where reading must end; see <see cref="VerifyEnd"/>.</summary>
    /// <param name="values">Values from the stream's mark on that belong to this row group.</param>
    public void ExpectEnd(long values) => _end.Expect(values);

    /// <summary>Checks that reading ended where it must.</summary>
    public void VerifyEnd() => _end.Verify(stream, _values, _left == 0);

    private void NextRun(long values)
    {
        if (!stream.Ensure(1))
            stream.ThrowEnded("a run of bytes");
        _end.RunStarts(stream, values);
        int header = (sbyte)*stream.Position++;
        _isLiteral = header < 0;
        if (_isLiteral)
        {
            _left = -header;
            return;
        }
        _left = header + MinRunLength;
        if (!stream.Ensure(1))
            stream.ThrowEnded("the value of a run of bytes");
        _value = *stream.Position++;
    }
}
