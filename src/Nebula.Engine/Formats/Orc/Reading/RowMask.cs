namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Which slots of a column have values at all: those whose parent is there. Streams hold nothing for the others.</summary>
/// <param name="bits">Bit per slot; empty when all have.</param>
/// <param name="count">Number of slots that have.</param>
internal readonly ref struct RowMask(ReadOnlySpan<byte> bits, int count)
{
    /// <summary>Bit per slot; empty when all slots have values.</summary>
    public ReadOnlySpan<byte> Bits { get; } = bits;

    /// <summary>Number of slots that have values.</summary>
    public int Count { get; } = count;

    /// <summary>All slots.</summary>
    public static RowMask All(int count) => new(default, count);
}
