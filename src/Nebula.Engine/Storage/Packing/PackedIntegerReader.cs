namespace Nebula.Engine.Storage.Packing;

/// <summary>Reads <see cref="PackedIntegers"/> from front to back, in pieces small enough to stay in the first cache.</summary>
/// <param name="integers">What is read.</param>
internal ref struct PackedIntegerReader(PackedIntegers integers)
{
    /// <summary>Values per piece that suit the first cache.</summary>
    public const int PieceLength = 1024;

    private int _position;
    private long _previous;

    /// <summary>Reads the next values. Those behind the last are meaningless.</summary>
    /// <param name="values">A multiple of <see cref="BitPacking.Lanes"/>.</param>
    public void Next(scoped Span<long> values)
    {
        _previous = integers.Decode(_position, _previous, values);
        _position += values.Length;
    }
}
