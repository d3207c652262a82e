using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Converts booleans to integers: false is 0, true is 1.</summary>
/// <param name="to">The type of the result.</param>
internal sealed class BoolToIntegerConverter<T>(DataType to) : ColumnConverter where T : unmanaged, IBinaryInteger<T>
{
    public override unsafe Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var values = scope.Add(pool.Rent(checked(source.Length * sizeof(T))));
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var output = values.As<T>()[..source.Length];
        var bits = source.Bits;
        for (var i = 0; i < output.Length; i++)
            output[i] = T.CreateTruncating(bits[i >> 3] >> (i & 7) & 1);
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), values);
        scope.Release();
        return column;
    }
}

/// <summary>Converts integers to booleans: 0 is false, 1 is true, there are no others.</summary>
internal sealed class IntegerToBoolConverter<T> : ColumnConverter where T : unmanaged, IBinaryInteger<T>
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var bits = scope.Add(pool.Rent(Bitmap.ByteCount(source.Length)));
        var target = bits.Span[..Bitmap.ByteCount(source.Length)];
        target.Clear();
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var values = source.Values<T>();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] == T.One)
                Bitmap.Set(target, i, true);
            else if (values[i] != T.Zero && !nulls.IsNull(i))
            {
                nulls.SetNull(i);
                faults.Add(i, ValueFault.DoesNotFit);
            }
        }
        var column = new Column(DataType.Bool, source.Length, nulls.Count, nulls.Detach(), bits);
        scope.Release();
        return column;
    }
}
