using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Holds the columns of a plan against what its destination can store, before anything moves.</summary>
internal sealed class WrittenColumns
{
    private const int MostShown = 10;
    private readonly Func<DataType, TypeMapping> _map;
    private readonly List<string> _impossible = [];
    private readonly List<string> _lost = [];

    private WrittenColumns(Func<DataType, TypeMapping> map) => _map = map;

    /// <summary>Finds out which types the columns are written with.</summary>
    /// <param name="plan">The columns as they are read.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="warn">Takes what gets lost, where that is allowed with a warning.</param>
    /// <returns>The plan itself when every column is written as it is; else one with the types that columns are converted to.</returns>
    /// <exception cref="NebulaException">A column cannot be cast to its type, cannot be stored, or would lose something and must not.</exception>
    public static StreamPlan Of(StreamPlan plan, IDestination destination, Action<string> warn)
    {
        var check = new WrittenColumns(type => destination.Map(plan.Object, type));
        var casts = Casts(plan).ToList();
        var columns = plan.Columns.Select(column => column with { Field = check.Written(column.Field, column.Field.Name) }).ToList();
        if (check._impossible.Count > 0)
            throw new NebulaException(ErrorKind.Schema, $"The target cannot store {List(check._impossible)}. Cast such columns (columns: {{ NAME: string }}) "
                + "or leave them out (select).");
        if (check._lost.Count > 0 && plan.Lossy == LossyPolicy.Refuse)
            throw new NebulaException(ErrorKind.Schema,
                $"The target would lose a part of {List(check._lost)}. Cast such columns to a type that it keeps (columns: {{ NAME: string }}), or set "
                    + "'schema.lossy' to warn or allow.");
        if (plan.Lossy == LossyPolicy.Warn)
            foreach (var loss in casts.Concat(check._lost))
                warn(loss);
        return columns.Select(static column => column.Field).SequenceEqual(plan.Schema.Fields) ? plan : (plan with { Columns = [.. columns] }).Build();
    }

    /// <summary>The casts that may lose something; whether a value does is only known when it comes.</summary>
    private static IEnumerable<string> Casts(StreamPlan plan)
    {
        foreach (var column in plan.Columns)
        {
            if (plan.Stream.Schema.IndexOf(column.SourceName) is not (>= 0 and var position))
                continue;
            var source = plan.Stream.Schema.Fields[position];
            var conversion = ConversionTable.Of(source.Type, column.Field.Type);
            if (conversion.Fidelity == Fidelity.Impossible)
                throw BatchConverter.Impossible(source, column.Field.Type);
            if (conversion.Fidelity == Fidelity.Lossy)
                yield return $"column \"{column.SourceName}\", {source.Type} cast to {column.Field.Type} ({conversion.Note})";
        }
    }

    private Field Written(Field field, string path)
    {
        var mapping = _map(field.Type);
        if (mapping.Fidelity == Fidelity.Impossible)
        {
            _impossible.Add($"column \"{path}\" of type {field.Type}{(mapping.Note is { } why ? $" ({why})" : "")}");
            return field;
        }
        if (mapping.Fidelity == Fidelity.Lossy)
            _lost.Add($"column \"{path}\", {field.Type} stored as {mapping.StoredAs}{(mapping.Note is { } what ? $" ({what})" : "")}");
        var type = mapping.WrittenAs ?? field.Type;
        return new Field(field.Name, type.IsNested ? WithChildren(type, path) : type, field.Nullable);
    }

    private DataType WithChildren(DataType type, string path) => type.Kind switch
    {
        TypeKind.List => DataType.List(Written(type.Fields[0], path + "[]").Type),
        TypeKind.Map => DataType.Map(Written(type.Fields[0], path + ".key").Type, Written(type.Fields[1], path + ".value").Type),
        _ => DataType.Struct([.. type.Fields.Select(field => Written(field, $"{path}.{field.Name}"))]),
    };

    private static string List(List<string> items) =>
        string.Join("; ", items.Take(MostShown)) + (items.Count > MostShown ? $"; and {items.Count - MostShown} more" : "");
}
