using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>
/// Watches whether the reading of a row group ends where the row index says that the next one starts. Files with wrong indexes exist; without this, cutting a
/// stripe at such an index would give wrong values without a word.
/// </summary>
internal struct RunPosition
{
    private long _valuesBehindMark;
    private bool _isExpected;
    private bool _isReached;
    private long _expected;

    /// <summary>Starts watching, before anything is read.</summary>
    /// <param name="values">Values from the stream's mark on that belong to this row group.</param>
    public void Expect(long values)
    {
        _isExpected = true;
        _expected = values;
    }

    /// <summary>To be called where a run starts, with the number of values decoded so far.</summary>
    public void RunStarts(ByteStream stream, long values)
    {
        if (_isExpected && stream.ContentOffset == stream.MarkOffset)
            (_isReached, _valuesBehindMark) = (true, values);
    }

    /// <summary>To be called when the row group is read.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="values">Values taken so far.</param>
    /// <param name="isAtRunEnd">Whether the next value starts a run.</param>
    public void Verify(ByteStream stream, long values, bool isAtRunEnd)
    {
        if (!_isExpected)
            return;
        if (!_isReached && isAtRunEnd)
        {
            stream.Ensure((int)Math.Min(stream.Available + 1, int.MaxValue));
            RunStarts(stream, values);
        }
        if (!_isReached || values - _valuesBehindMark != _expected)
            throw IndexContradicts();
    }

    /// <summary>The error for a row index that does not fit the data.</summary>
    public static OrcFault IndexContradicts() => new("the row index says that a row group starts elsewhere than where the one before ends",
        "The index is wrong, the data may be right: set 'use_row_index: false' to read without it.");
}
