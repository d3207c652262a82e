using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Converts values of fixed width to others.</summary>
/// <param name="to">The type of the result.</param>
/// <param name="map">Converts one value.</param>
/// <param name="allowsLoss">Whether values may be rounded.</param>
internal sealed class FixedConverter<TIn, TOut, TMap>(DataType to, TMap map, bool allowsLoss) : ColumnConverter
    where TIn : unmanaged
    where TOut : unmanaged
    where TMap : struct, IValueMap<TIn, TOut>
{
    public override unsafe Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var values = scope.Add(pool.Rent(checked(source.Length * sizeof(TOut))));
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var input = source.Values<TIn>();
        var output = values.As<TOut>()[..input.Length];
        var local = map;
        var joined = Verdict.Kept;
        for (var i = 0; i < input.Length; i++)
            joined |= local.Map(input[i], out output[i]);
        var worstAllowed = allowsLoss ? Verdict.Loses : Verdict.Kept;
        if (joined > worstAllowed)
            for (var i = 0; i < input.Length; i++)
                if (local.Map(input[i], out _) is var verdict && verdict > worstAllowed && !nulls.IsNull(i))
                {
                    nulls.SetNull(i);
                    faults.Add(i, ValueFaults.Of(verdict));
                }
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), values);
        scope.Release();
        return column;
    }
}
