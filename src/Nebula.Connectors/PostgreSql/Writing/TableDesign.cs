using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>A column as it is to be stored.</summary>
/// <param name="Index">Its position in the plan.</param>
/// <param name="Name">Its name.</param>
/// <param name="Stored">What columns of its type are stored as.</param>
/// <param name="Type">What this one is stored as: the type that it had in the PostgreSQL that it comes from, where that is known here.</param>
internal sealed record DesignColumn(int Index, string Name, StoredType Stored, SqlType Type)
{
    /// <summary>Whether the type was declared by the source's table.</summary>
    public bool IsDeclared => Type != Stored.Type;

    /// <summary>Whether values can be sent in the form of the type.</summary>
    public bool IsDirect => Stored.WireTo(Type) is not null;

    /// <summary>The type that it is staged with.</summary>
    public SqlType StagedType => IsDirect ? Type : Stored.Type;
}

/// <summary>A table as a plan wants it.</summary>
/// <param name="Columns">Its columns.</param>
/// <param name="Key">Its key; empty when it has none.</param>
internal sealed record TableDesign(ImmutableArray<DesignColumn> Columns, ImmutableArray<string> Key)
{
    private const int MostColumns = 1600;
    private static readonly string[] SystemColumns = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

    /// <summary>Whether all columns can be sent in the form of their types.</summary>
    public bool IsDirect => Columns.All(static column => column.IsDirect);

    /// <summary>Makes the design of a plan.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="NebulaException">PostgreSQL cannot hold such a table.</exception>
    public static async Task<TableDesign> OfAsync(NpgsqlConnection connection, StreamPlan plan, CancellationToken cancellationToken)
    {
        var indexes = Enumerable.Range(0, plan.Columns.Length - (KeepsChanges(plan) ? 0 : ChangeColumns.Written.Count)).ToList();
        Require(plan, indexes.Count);
        var declared = DeclaredOf(plan, indexes);
        var known = declared.Exists(static type => type is not null)
            ? await TargetTable.FindTypesAsync(connection, [.. declared], cancellationToken).ConfigureAwait(false) : [];
        return new TableDesign(
            [.. indexes.Select(i =>
            {
                var field = plan.Columns[i].Field;
                var stored = StoredType.Of(field.Type);
                return new DesignColumn(i, field.Name, stored, i < known.Length && known[i] is { } type && type.Text != stored.Type.Text ? type : stored.Type);
            })],
            plan.Write == WriteMode.Append ? [] : plan.PrimaryKey);
    }

    /// <summary>Whether the columns that tell of changes are in the table.</summary>
    /// <param name="plan">The plan.</param>
    public static bool KeepsChanges(StreamPlan plan) => plan.Capture is null || plan.Write == WriteMode.Append || plan.Capture.Deletes == DeleteHandling.Soft;

    /// <summary>Writes the statement that makes the table.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isStaging">Whether it is to hold rows on their way.</param>
    public string CreateSql(TableName name, bool isStaging) => $"CREATE TABLE {name.Sql} (" + string.Join(", ", Columns.Select(column =>
        // said while rows are copied, and not looked for again when the key is made
        $"{SqlName.Quote(column.Name)} {(isStaging ? column.StagedType : column.Type).Text}{(Key.Contains(column.Name) ? " NOT NULL" : "")}"))
        + (isStaging || Key.IsEmpty ? "" : ", " + KeySql) + ")";

    /// <summary>The constraint that the key is.</summary>
    public string KeySql => $"PRIMARY KEY ({KeyColumns("")})";

    /// <summary>The columns of the key.</summary>
    /// <param name="prefix">What stands in front of each.</param>
    public string KeyColumns(string prefix) => string.Join(", ", Key.Select(name => prefix + SqlName.Quote(name)));

    /// <summary>Writes what gives the value of a staged column in the type of a table's.</summary>
    /// <param name="column">The column.</param>
    /// <param name="staged">The type that it is staged with.</param>
    /// <param name="target">The type that it gets.</param>
    /// <param name="alias">Names the staged rows.</param>
    public static string Cast(string column, SqlType staged, SqlType target, string alias)
    {
        var value = $"{alias}.{SqlName.Quote(column)}";
        // a cast would cut off what is too long, where the assignment refuses it
        if (staged.Text == target.Text || staged.Base == "text" && target.Base is "varchar" or "bpchar")
            return value;
        return staged.Base == "json" && target.IsMadeOfJson
            // a list of null is no list, as it would be without the case
            ? $"CASE WHEN {value} IS NOT NULL THEN (SELECT r.v FROM json_to_record(json_build_object('v', {value})) AS r (v {target.Text})) END"
            : $"{value}::{target.Text}";
    }

    private static List<string?> DeclaredOf(StreamPlan plan, List<int> indexes)
    {
        var types = TableDetails.DeclaredOf(plan.Stream);
        return indexes.ConvertAll(i =>
        {
            var position = types is null ? -1 : plan.Stream.Schema.IndexOf(plan.Columns[i].SourceName);
            if (position < 0)
                return null;
            var read = plan.Stream.Schema.Fields[position].Type;
            // a type that the user chose is not that of the source any more
            return plan.Columns[i].Field.Type.Equals(StoredType.Map(read).WrittenAs ?? read) ? types![position] : null;
        });
    }

    private static void Require(StreamPlan plan, int count)
    {
        if (count > MostColumns)
            throw new NebulaException(ErrorKind.Schema,
                $"{plan.Stream.Name} has {count:N0} columns; a table of PostgreSQL has {MostColumns:N0} at most. Choose among them (select).");
        foreach (var name in plan.Columns.Take(count).Select(static column => column.Field.Name))
        {
            TableName.Require(name, "The column", $"Give it another (columns: {{ {name}: {{ name: … }} }}).");
            if (SystemColumns.Contains(name))
                throw new NebulaException(ErrorKind.Schema,
                    $"The column \"{name}\" has a name that every table of PostgreSQL uses itself. Give it another (columns: {{ {name}: {{ name: … }} }}).");
        }
    }
}
