using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Conversion;

/// <summary>What is wrong with a value on the way into another type.</summary>
internal enum ValueFault
{
    /// <summary>It would be rounded, or its meaning changed.</summary>
    Loses,

    /// <summary>The other type has no such value.</summary>
    DoesNotFit,
}

/// <summary>The values of a column that were not converted, in the order of their rows. Their slots are null.</summary>
internal sealed class ValueFaults
{
    private readonly List<(int Row, ValueFault Fault)> _items = [];

    /// <summary>The values.</summary>
    public IReadOnlyList<(int Row, ValueFault Fault)> Items => _items;

    /// <summary>The fault that a <see cref="Verdict"/> other than <see cref="Verdict.Kept"/> is.</summary>
    public static ValueFault Of(int verdict) => (verdict & Verdict.DoesNotFit) != 0 ? ValueFault.DoesNotFit : ValueFault.Loses;

    /// <summary>Notes a value; of several in one row the first.</summary>
    /// <param name="row">Its row, not before that of the last one.</param>
    /// <param name="fault">What is wrong.</param>
    public void Add(int row, ValueFault fault)
    {
        if (_items.Count == 0 || _items[^1].Row != row)
            _items.Add((row, fault));
    }
}
