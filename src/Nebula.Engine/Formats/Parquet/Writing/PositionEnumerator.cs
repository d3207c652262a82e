using System.Numerics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Walks over the positions of the values of a leaf in its column.</summary>
/// <param name="entries">The leaf.</param>
internal ref struct PositionEnumerator(LeafEntries entries)
{
    private readonly ReadOnlySpan<int> _positions = entries.Positions is { } positions ? positions.As<int>()[..entries.ValueCount] : default;
    private readonly ReadOnlySpan<byte> _validity = entries.Positions is null ? entries.Column.Validity : default;
    private readonly int _count = entries.Positions is null ? entries.Count : entries.ValueCount;
    private int _next;
    private int _wordStart = -64;
    private ulong _word;

    /// <summary>The position reached.</summary>
    public int Current { get; private set; }

    /// <summary>This, for <c>foreach</c>.</summary>
    public readonly PositionEnumerator GetEnumerator() => this;

    /// <summary>Goes on to the next value.</summary>
    public bool MoveNext()
    {
        if (!_positions.IsEmpty || _validity.IsEmpty)
        {
            if (_next >= _count)
                return false;
            Current = _positions.IsEmpty ? _next : _positions[_next];
            _next++;
            return true;
        }
        while (_word == 0)
        {
            _wordStart += 64;
            if (_wordStart >= _count)
                return false;
            _word = BitRange.Read(_validity, _wordStart, Math.Min(64, _count - _wordStart));
        }
        Current = _wordStart + BitOperations.TrailingZeroCount(_word);
        _word &= _word - 1;
        return true;
    }
}
