using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>What became of one value. Numbers, so that the verdicts on a column can be joined without a branch.</summary>
internal static class Verdict
{
    /// <summary>It is the same.</summary>
    public const int Kept = 0;

    /// <summary>It was rounded, or its meaning changed.</summary>
    public const int Loses = 1;

    /// <summary>There is no such value.</summary>
    public const int DoesNotFit = 2;

    /// <summary>The verdict on a value that is kept under a condition.</summary>
    public static int KeptIf(bool condition) => condition ? Kept : Loses;

    /// <summary>The fault that a verdict is.</summary>
    public static ValueFault ToFault(int verdict) => (verdict & DoesNotFit) != 0 ? ValueFault.DoesNotFit : ValueFault.Loses;
}

/// <summary>Turns one value into another. Total: it also runs on the meaningless bits of null slots, so that the loop has no branch.</summary>
/// <typeparam name="TIn">The value as its column stores it.</typeparam>
/// <typeparam name="TOut">The result as its column stores it.</typeparam>
internal interface IValueMap<TIn, TOut>
{
    /// <summary>Maps a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="result">The result, rounded where the verdict is <see cref="Verdict.Loses"/>, anything where it does not fit.</param>
    /// <returns>The <see cref="Verdict"/>.</returns>
    int Map(TIn value, out TOut result);
}

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
                    faults.Add(i, Verdict.ToFault(verdict));
                }
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), values);
        scope.Release();
        return column;
    }
}
