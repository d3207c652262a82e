using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Gives a column out as it is, in the same memory.</summary>
internal sealed class CopyConverter : ColumnConverter
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults) => source.Share();
}

/// <summary>Converts the elements of lists, or the keys and values of maps.</summary>
/// <param name="to">The type of the result.</param>
/// <param name="children">Convert the children.</param>
internal sealed class ListConverter(DataType to, ImmutableArray<ColumnConverter> children) : ColumnConverter
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var converted = ImmutableArray.CreateBuilder<Column>(children.Length);
        var rows = new SortedDictionary<int, ValueFault>();
        for (var i = 0; i < children.Length; i++)
        {
            var childFaults = new ValueFaults();
            converted.Add(scope.Add(children[i].Convert(source.Children[i], pool, childFaults)));
            AddRows(source, childFaults, rows);
        }
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        var offsets = scope.Add(pool.Rent(checked((source.Length + 1) * sizeof(int))));
        source.Offsets.CopyTo(offsets.As<int>());
        foreach (var (row, fault) in rows)
        {
            nulls.SetNull(row);
            faults.Add(row, fault);
        }
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), null, offsets, converted.MoveToImmutable());
        scope.Release();
        return column;
    }

    /// <summary>Finds the lists that elements belong to. Elements of none, and of a list that is null, do not matter.</summary>
    private static void AddRows(Column source, ValueFaults elements, SortedDictionary<int, ValueFault> rows)
    {
        var offsets = source.Offsets;
        var row = 0;
        foreach (var (element, fault) in elements.Items)
        {
            while (row < source.Length && offsets[row + 1] <= element)
                row++;
            if (row < source.Length && element >= offsets[row] && !source.IsNull(row))
                rows.TryAdd(row, fault);
        }
    }
}

/// <summary>Converts the fields of structs, by name.</summary>
/// <param name="to">The type of the result.</param>
/// <param name="fields">For each field of the result: the position of its source, -1 for none, and its converter.</param>
/// <param name="dropsFields">Whether the source has fields that the result has not.</param>
/// <param name="allowsLoss">Whether fields may be dropped.</param>
internal sealed class StructConverter(DataType to, ImmutableArray<(int Source, ColumnConverter Converter)> fields, bool dropsFields,
    bool allowsLoss) : ColumnConverter
{
    public override Column Convert(Column source, BufferPool pool, ValueFaults faults)
    {
        using var scope = new BufferScope();
        var converted = ImmutableArray.CreateBuilder<Column>(fields.Length);
        var rows = new SortedDictionary<int, ValueFault>();
        for (var i = 0; i < fields.Length; i++)
        {
            var (position, converter) = fields[i];
            if (position < 0)
            {
                converted.Add(scope.Add(Nulls(to.Fields[i].Type, source.Length, pool)));
                continue;
            }
            var fieldFaults = new ValueFaults();
            converted.Add(scope.Add(converter.Convert(source.Children[position], pool, fieldFaults)));
            foreach (var (row, fault) in fieldFaults.Items)
                if (!source.IsNull(row))
                    rows.TryAdd(row, fault);
        }
        if (dropsFields && !allowsLoss)
            for (var row = 0; row < source.Length; row++)
                if (!source.IsNull(row))
                    rows.TryAdd(row, ValueFault.Loses);
        var nulls = scope.Add(new ConvertedNulls(source, pool));
        foreach (var (row, fault) in rows)
        {
            nulls.SetNull(row);
            faults.Add(row, fault);
        }
        var column = new Column(to, source.Length, nulls.Count, nulls.Detach(), null, children: converted.MoveToImmutable());
        scope.Release();
        return column;
    }
}
